// 法官、书记员的操作栏与侧栏。
export const bench = {
  give_floor: "请…发言",
  give_floor_short: "请发言",
  give_title: "请谁发言",
  give_none: "现在没有可以请发言的人",
  give_to: (who: string) => `请${who}发言`,
  hand: "已举手",
  next_stage: "环节",
  order_short: "裁定/命令",
  more: "更多",
  more_title: "更多操作",
  more_frequent: "庭审秩序",
  more_apart: "以下操作会结束庭审或改变开庭方式",
  close: "关闭",
  acts: {
    floor_mode: (mode: string) => `发言方式：${mode}`,
    mute_all: "全体静音",
    unmute_all: "取消全体静音",
    restrict: "转为不公开",
    public: "公开与旁听",
    asynchronous: "改为非同步进行",
  },
  adjourn: "延期到另一日期",

  panel: "庭审侧栏",
  tabs: { people: "参加人", todo: "待办", rooms: "房间与翻译", notes: "便条" },
  tab_count: (name: string, n: number) => `${name}（${n}）`,
  notes: {
    title: "合议庭便条",
    only: "仅合议庭与书记员可见",
    about: "便条会存档，但内容不载入笔录和任何副本，其他人只能看到有一条记录。合议请到评议室进行。",
    none: "还没有便条。",
    write: "写一条便条",
    send: "发给合议庭与书记员",
    sending: "发送中",
    waits: "未送达，将自动重发",
    refused: "未被接受",
    sealed: "已封存，不能再写便条。",
    came: (who: string) => `${who}发来一条便条`,
  },
};

export type BenchWords = typeof bench;
