// 字幕、文字庭审、手语。
export const access = {
  captions: "字幕",
  captions_empty: "大家写下的话会显示在这里。",
  you: "您",
  writes: "正在输入…",
  title: "字幕与文字庭审",
  captions_choices: { off: "不显示", on: "显示", large: "大字显示" },
  captions_hint: "目前显示大家写下的话。",
  text: "文字庭审",
  text_hint: "以文字为主，手语翻译的画面固定在上方；请您发言、休庭、传您入庭时，屏幕上会显示大字，手机会震动。不需要听，也不需要说。",
  signer: "手语",
  sign_aloud: "不便朗读的，请面对镜头用手语表达，或者请翻译人员读出；这一段录像即为宣读。",
  called_in: "法庭已请您入庭",
};

export type AccessWords = typeof access;
