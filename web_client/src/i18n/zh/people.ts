export const people = {
  step: (n: number, of: number) => `第 ${n} 项，共 ${of} 项`,
  asked: {
    rules: "法庭规则",
    online_hearing: "您同意在线开庭吗？",
    recording: "您同意以录音录像代替笔录吗？",
  },
  texts: {
    rules:
      "请在安静、光线充足、不受打扰的地方参加庭审，着装得体，服从法庭指挥。未经许可，不得录音、录像、截屏或传播庭审内容。未经许可不得退出；因网络、设备等原因掉线的，请用同一链接尽快回来。",
    online_hearing: "我同意这次庭审在线进行，并知悉在线进行与线下进行具有同等效力。本次同意不及于其他阶段，我可以在合理期限内撤回。",
    recording: "我同意以庭审录音录像代替庭审笔录。我可以查看录音录像，并核对其完整性校验值。",
  },
  yes: { rules: "我已阅读并遵守", online_hearing: "我同意", recording: "我同意" },
  later: "暂不回答，由书记员询问",
  all_answered: "您已回答完毕，请等候入庭。",
  given: "您的回答",
  you_consent: (what: string) => `已同意：${what}`,
  take_back: "撤回",
  withdraw: (what: string) => `撤回：${what}`,
  withdraw_title: "撤回同意",
  withdraw_text: "撤回会告知法庭，由法官决定如何进行。",
  withdraw_sure: "撤回同意",
  reason: "理由（可不填）",
  keep: "不撤回",

  forms: {
    online_hearing: "在线庭审",
    online_evidence: "在线举证质证",
    online_service: "电子送达",
    recording: "以录音录像代替笔录",
  } as Record<string, string>,
  identity: { passed: "身份已核对", failed: "身份存疑", none: "身份未核对" },
  consent: { yes: "已同意在线", no: "未同意在线" },
  rules: { yes: "已接受规则", no: "未接受规则" },

  before: (n: number) => (n === 0 ? "开庭前的检查已完成" : `开庭前还有 ${n} 项未完成`),
  before_hint: "可以直接开庭；未完成的各项会记入笔录。",
  lacks: {
    bars: "尚未审查是否不宜在线进行",
    identity: "身份未核对",
    consent: "未同意在线庭审",
    rules: "未接受法庭规则",
  },
  mend: {
    bars: "已审查，未发现不宜",
    identity: "已看过证件",
    consent: "记明口头同意",
  },
  doubt: "身份存疑",

  methods: { document: "查看证件", question: "提问", video: "视频比对", known: "本院熟识" } as Record<string, string>,
  did: {
    "verify.passed": (who: string, how: string) => `核对了${who}的身份（${how}）：相符`,
    "verify.failed": (who: string, how: string) => `核对了${who}的身份（${how}）：未能确认`,
    note_consent: (who: string, what: string) => `记明${who}口头同意${what}`,
    bars: "审查了是否不宜在线进行",
    consent: (what: string) => `同意${what}`,
    withdraw: (what: string) => `撤回同意：${what}`,
    rules: "接受了法庭规则",
    checklist: (n: number) => `开庭时有 ${n} 项检查尚未完成`,
  },
};

export type PeopleWords = typeof people;
