"""Every word that a transcript, an index or the replay page says by itself, in Chinese and in English.

Law of this module: no other module of this package holds words for people. A catalog is a frozen record with a
field for each phrase, so a phrase that one language lacks is a type error; the tables inside are compared by a
test. Court language: short and formal, people by role first and name second.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")


@dataclass(frozen=True, slots=True)
class KindWords:
    """What a kind of sitting is called, and what its judge does when it begins, pauses and ends."""

    name: str
    title: str
    open: str
    recess: str
    resume: str
    close: str


@dataclass(frozen=True, slots=True)
class Wording:
    """One language. Fields with braces are `str.format` templates whose names say what goes in."""

    language: Language
    html_lang: str
    # names of things
    roles: Mapping[str, str]
    kinds: Mapping[str, KindWords]
    tracks: Mapping[str, str]
    media_kinds: Mapping[str, str]
    causes: Mapping[str, str]
    rungs: Mapping[str, str]
    grounds: Mapping[str, str]
    missing: Mapping[str, str]
    missing_notes: Mapping[str, str]
    join_causes: Mapping[str, str]
    leave_causes: Mapping[str, str]
    court_speaker: str
    unknown_role: str
    person: str
    withheld_name: str
    cause_in_words: str
    # acts
    check_in: str
    admit: str
    remove: str
    mute: str
    unmute: str
    mute_all: str
    unmute_all: str
    floor: str
    floor_back: str
    allow_screen: str
    end_screen: str
    go_on: str
    restrict: str
    restrict_to_bench: str
    unrestrict: str
    course: Mapping[str, str]
    testimony: Mapping[str, str]
    conduct: Mapping[str, str]
    conduct_codes: Mapping[str, str]
    drop_parts: Mapping[str, str]
    checked_in: Mapping[str, str]
    checked_in_codes: Mapping[str, str]
    checked_in_missing: str
    propose_seal: str
    order_seal: str
    because: str
    hand_up: str
    hand_down: str
    # other lines
    opened: str
    opened_supplement: str
    supplement: str
    seated: str
    key_first: str
    key_by_clerk: str
    key_ended: str
    anchored: str
    time_stamped: str
    redacted: str
    redacted_by: str
    recording_on: str
    recording_off: str
    recording_fault: str
    gap: str
    stepped: str
    conflict: str
    sealed: str
    sealed_by_one: str
    sealed_by_two: str
    sealed_over: str
    sealed_gaps: str
    unread: str
    withheld_reason: str
    not_in_export: str
    # quantities
    duration_s: str
    duration_min: str
    duration_h: str
    date: str
    # the document
    not_given: str
    court: str
    case_number: str
    cause: str
    kind: str
    corrects: str
    corrected: str
    scheduled: str
    began: str
    closed: str
    not_begun: str
    not_closed: str
    sealed_at: str
    not_sealed: str
    zone: str
    participants: str
    role: str
    name: str
    seat: str
    presence: str
    presence_span: str
    presence_open: str
    presence_breaks: str
    never_present: str
    recording: str
    no_recording: str
    track: str
    from_to: str
    recorded: str
    recorded_value: str
    gaps: str
    no_gaps: str
    gap_row: str
    faults: str
    proceedings: str
    line: str
    time: str
    speaker: str
    words: str
    root: str
    root_words: str
    record_of: str
    leaf_hash: str
    how_to_check: str
    end: str
    open_file: str
    play_voice: str
    picture_of: str
    sent_by_clock: str
    # the replay page
    replay: str
    play: str
    pause: str
    speed: str
    jump: str
    now: str
    other_language: str
    no_track_now: str
    replay_note: str
    transcript: str
    start_over: str
    sound_and_picture: str
    need_script: str
    # between words
    colon: str
    stop: str
    comma: str
    clause: str
    space: str


ZH: Final = Wording(
    language="zh",
    html_lang="zh-CN",
    roles={
        "judge": "法官",
        "clerk": "书记员",
        "plaintiff": "原告",
        "defendant": "被告",
        "third_party": "第三人",
        "agent": "诉讼代理人",
        "witness": "证人",
        "expert": "鉴定人",
        "interpreter": "翻译人员",
        "mediator": "调解员",
        "assistant": "法官助理",
        "observer": "旁听人员",
        "courtroom": "法庭现场",
    },
    kinds={
        "hearing": KindWords("开庭审理", "庭审笔录", "宣布开庭。", "宣布休庭。", "宣布继续开庭。", "宣布闭庭。"),
        "pretrial": KindWords(
            "庭前会议",
            "庭前会议笔录",
            "宣布庭前会议开始。",
            "宣布休会。",
            "宣布庭前会议继续。",
            "宣布庭前会议结束。",
        ),
        "exchange": KindWords(
            "证据交换",
            "证据交换笔录",
            "宣布证据交换开始。",
            "宣布暂停证据交换。",
            "宣布证据交换继续。",
            "宣布证据交换结束。",
        ),
        "inquiry": KindWords(
            "询问", "询问笔录", "宣布询问开始。", "宣布暂停询问。", "宣布询问继续。", "宣布询问结束。"
        ),
        "mediation": KindWords(
            "调解", "调解笔录", "宣布调解开始。", "宣布暂停调解。", "宣布调解继续。", "宣布调解结束。"
        ),
        "supplement": KindWords("补充记录", "补充笔录", "宣布开始。", "宣布暂停。", "宣布继续。", "宣布结束。"),
        "": KindWords("庭审活动", "笔录", "宣布开始。", "宣布暂停。", "宣布继续。", "宣布结束。"),
    },
    tracks={"audio": "录音", "video": "录像", "screen": "共享屏幕"},
    rungs={
        "video": "正常视频",
        "small": "小画面视频",
        "audio": "仅有声音",
        "clips": "无实时音视频，以语音、视频消息代替",
    },
    media_kinds={"voice": "语音", "image": "图片", "video": "视频", "file": "文件"},
    causes={
        "network": "网络中断",
        "left": "本人离开",
        "removed": "被责令退出",
        "muted": "法庭静音",
        "off": "本人关闭设备",
        "camera_off": "本人关闭摄像头",
        "microphone_off": "本人关闭麦克风",
        "recess": "休庭",
        "loss": "数据丢失",
        "silence": "设备未送出数据",
        "silent": "设备未送出数据",
        "overload": "录制过载",
        "stopped": "停止录制",
        "not_routed": "法庭未接通该路",
        "gone": "连接断开",
        "downlink": "接收带宽不足",
        "uplink": "发送带宽不足",
        "client": "由本人的设备提出",
        "recovered": "网络恢复",
        "closed": "连接关闭",
        "no_media_plane": "音视频服务未启用",
        "codec": "编码变更",
        "fault": "录制故障",
        "disk": "存储故障",
        "restart": "服务器重新启动",
        "server": "服务器中断",
        "worker": "音视频服务重新启动",
        "crash": "服务器异常终止",
    },
    grounds={
        "privacy": "个人隐私",
        "minor": "保护未成年人",
        "state_secret": "国家秘密",
        "trade_secret": "商业秘密",
        "personal_information": "个人信息删除",
        "unlawful": "违法内容",
        "other": "其他法定事由",
    },
    missing={
        "withheld": "〔此处内容未公开或已依法删除，本文件不载；该条记录本身未变〕",
        "restricted": "〔此处内容为不公开部分，本副本不载；该条记录本身未变〕",
        "destroyed": "〔此处内容已依命令销毁；该条记录本身未变〕",
        "unreadable": "〔发送的内容不符合格式，无法显示；原始字节保存在电子卷宗中〕",
    },
    missing_notes={
        "withheld": "共有 {count} 条的内容未随本文件公开：第 {list} 条。",
        "restricted": "共有 {count} 条属不公开部分，本副本不载其内容：第 {list} 条。",
        "destroyed": "共有 {count} 条的内容已依命令销毁：第 {list} 条。",
        "unreadable": "共有 {count} 条的内容不符合格式，无法显示：第 {list} 条。",
    },
    join_causes={"first": "报到。", "return": "重新连接。"},
    leave_causes={
        "left": "离开。",
        "network": "因网络中断离线。",
        "server": "因服务器中断离线。",
        "removed": "被责令退出，已离开。",
    },
    court_speaker="法庭系统",
    unknown_role="参加人",
    person="{role} {name}",
    withheld_name="（姓名未公开）",
    cause_in_words="其他（代码：{code}）",
    check_in="开始核对到庭人员。",
    admit="准许{who}入庭。",
    remove="责令{who}退出法庭。",
    mute="将{who}静音。",
    unmute="恢复{who}的发言。",
    mute_all="将全体参加人静音。",
    unmute_all="恢复全体参加人的发言。",
    floor="请{who}发言。",
    floor_back="收回发言权。",
    allow_screen="请{who}共享屏幕。",
    end_screen="结束屏幕共享。",
    go_on="准许{who}在目前音视频条件下继续参加庭审。",
    restrict="宣布以下内容不公开，仅法官、书记员和{who}可以参加和查阅。",
    restrict_to_bench="宣布以下内容不公开，仅法官和书记员可以参加和查阅。",
    unrestrict="宣布不公开部分结束。",
    course={
        "rules": "本次庭审适用的程序规则：{title}（{pack}，版本 {version}）。",
        "stages": "庭审阶段",
        "stage": "进入阶段：{name}。",
        "suspend": "宣布技术中止。",
        "suspend_court": "没有法官在线，庭审自动技术中止。",
        "adjourn": "宣布延期，改于{date}继续。",
        "convert": "宣布转为线下庭审（{name}），已完成的在线诉讼活动有效。",
        "cancel": "取消本次庭审。",
    },
    testimony={
        "call": "传{who}到庭作证。",
        "undertaking.sign": "签署保证书：",
        "undertaking.refuse": "拒绝签署或宣读保证书，不得作证。",
        "undertaking_refused": "记明{who}拒绝签署或宣读保证书，不得作证。",
        "undertaking_begin": "请{who}宣读保证书。",
        "undertaking_end": "{who}宣读保证书完毕。",
        "examine": "由{by}向{who}发问。",
        "examine_end": "对{who}的发问结束。",
        "release": "{who}作证完毕。",
        "release.may_observe": "{who}作证完毕，准许其旁听。",
        "release.excluded": "{who}作证完毕，请其退庭，不得旁听。",
        "recall": "再次传{who}到庭作证。",
        "confront": "命{who}对质。",
        "confront_end": "对质结束。",
    },
    conduct={
        "room_open.counsel": "准许代理人与当事人进入不公开的会谈室：{who}。",
        "room_open.deliberation": "宣布合议：{who}。",
        "room_open.sidebar": "召集到庭边商议：{who}。",
        "room_ask.counsel": "请求代理人与当事人单独会谈：{who}。",
        "room_ask.sidebar": "请求庭边商议：{who}。",
        "room_grant": "准许{who}所请求的会谈室。",
        "room.counsel": "{who}进入代理人与当事人的会谈室；其中内容不录音录像，也不记录。",
        "room.deliberation": "{who}进入合议室；合议内容不录音录像，也不记录。",
        "room.sidebar": "{who}进入庭边商议；不录音录像。",
        "room.sidebar_recorded": "{who}进入庭边商议；录音录像。",
        "room_leave": "从会谈室回到法庭。",
        "room_close": "通知第 {code} 间会谈室在{time}后结束。",
        "room_close_now": "结束第 {code} 间会谈室。",
        "room_end": "第 {code} 间会谈室结束，其中人员回到法庭。",
        "interprets": "指定{who}在“{code}”语言频道翻译。",
        "interprets_end": "结束{who}的语言频道。",
        "channel": "选择收听“{code}”语言频道。",
        "channel_end": "不再收听语言频道。",
        "link": "确定翻译人员与其服务对象同进同出：{who}。",
        "link_end": "{who}不再与他人同进同出。",
        "pin": "将手语翻译{who}的画面固定给所有人。",
        "pin_end": "不再固定手语翻译的画面。",
        "floor_mode.free": "宣布自由发言。",
        "floor_mode.hands": "宣布举手经准许后发言。",
        "floor_mode.turns": "宣布依次发言。",
        "turns": "确定发言顺序：{who}。",
        "floor": "请{who}发言，限时{time}。",
        "time_up": "{who}的发言时间已到。",
        "gallery_delay": "决定旁听席延迟{time}收看收听。",
        "gallery_delay.live": "决定旁听席恢复实时收看收听。",
        "objection": "提出异议：{code}。",
        "motion": "提出申请：{code}。",
        "order": "裁定：",
        "rule": "对第 {seq} 条作出决定：{code}。",
        "drop": "{who}掉线的情况：{code}。",
        "prompt_absent": "提示不在线的{who}返回法庭。",
        "warn_absent": "警告不在线的{who}：仍不返回法庭的，可能依法承担相应后果。",
        "rule_absent.excused": "决定：{who}不在线有正当理由。",
        "rule_absent.left_court": "决定：{who}未经许可中途退庭。",
        "rule_absent.refused": "决定：{who}无正当理由拒不到庭。",
    },
    conduct_codes={
        "leading": "诱导性发问",
        "relevance": "与本案无关",
        "form": "发问方式不当",
        "personal": "有损人格尊严",
        "repeated": "重复发问",
        "adjournment": "延期审理",
        "recusal": "回避",
        "evidence": "调取或提交证据",
        "witness": "证人出庭",
        "other": "其他",
        "sustained": "异议成立",
        "overruled": "异议不成立",
        "granted": "准许",
        "denied": "不予准许",
        "reserved": "待后决定",
    },
    drop_parts={
        "side.server": "由法庭一侧断开",
        "side.client": "由本人的设备断开",
        "side.unknown": "线路中断，无法判断由哪一侧引起",
        "heard": "此前{time}未收到任何信号",
        "media": "此前{time}未收到声音和画面",
        "battery": "设备电量 {percent}%",
        "network": "网络类型 {code}",
    },
    checked_in={
        "verify": "核对{who}的身份（{what}）。",
        "verify.passed": "核对{who}的身份（{what}）：相符。",
        "verify.failed": "核对{who}的身份（{what}）：未能确认。",
        "note_consent": "记明{who}口头同意：{what}（文本{version}）。",
        "consent": "同意：{what}（文本{version}）。",
        "consent.withdraw": "撤回同意：{what}。",
        "rules.accept": "已阅读并接受法庭规则（文本{what}）。",
        "bars": "审查是否不宜在线进行：{what}。",
        "no_bars": "审查是否不宜在线进行：未发现。",
        "checklist": "开庭时尚未完成：{what}。",
    },
    checked_in_codes={
        "document": "查看证件",
        "question": "提问",
        "video": "视频比对",
        "known": "本院熟识",
        "online_hearing": "在线庭审",
        "online_evidence": "在线举证质证",
        "online_service": "电子送达",
        "recording": "以录音录像代替庭审笔录",
        "bar.refusal": "当事人不同意并有正当理由",
        "bar.no_equipment": "不具备技术条件和能力",
        "bar.originals": "需要当场查明身份或者核对原件",
        "bar.complex": "案件疑难复杂",
        "bar.secret": "涉及国家秘密或者商业秘密",
        "bar.impact": "有重大社会影响",
        "identity": "身份未核对",
        "consent": "未同意在线庭审",
        "rules": "未接受法庭规则",
        "judge": "法官不在场",
        "recorder": "录音录像曾出现故障",
        "bars": "未审查是否不宜在线进行",
    },
    checked_in_missing="{who}：{what}",
    propose_seal="提议封存记录。",
    order_seal="决定封存记录。",
    because="理由：{reason}",
    hand_up="举手，请求发言。",
    hand_down="放下举手。",
    opened="为本次{kind}建立记录。",
    opened_supplement="为更正{which}建立补充记录。",
    supplement="补充如下。依据：{order}",
    seated="列席名单：{who}。",
    key_first="登记{who}的签名设备（密钥 {key}）。",
    key_by_clerk="经书记员准许，登记{who}更换后的签名设备（密钥 {key}）。",
    key_ended="{who}的原签名设备停用（密钥 {key}）。",
    anchored="本记录已在全院登记簿登记；登记簿至此共 {size} 条。",
    time_stamped="可信时间戳：{time}。",
    redacted="依命令销毁第 {list} 条的内容，条目本身保留。事由：{ground}。",
    redacted_by="命令见案件记录第 {seq} 条。",
    recording_on="开始录音录像。",
    recording_off="停止录音录像。",
    recording_fault="录音录像发生故障：{cause}。",
    gap="{who}的{track}中断：{start} 至 {end}，共 {length}。原因：{cause}。",
    stepped="{who}的音视频改为：{now}。原因：{cause}。",
    conflict="{who}的设备以同一编号（{dseq}）先后发送了不同内容，以先到者为准。",
    sealed="记录封存。",
    sealed_by_one="由{second}一人封存记录。",
    sealed_by_two="{first}提议，{second}决定，封存记录。",
    sealed_over="记录共 {entries} 条（含本条），音视频共 {media}。封存后不能再增加任何内容。",
    sealed_gaps="录音录像中断 {count} 处。",
    unread="一条本文件无法用文字表述的记录（类型：{type}），内容保存在电子卷宗中。",
    withheld_reason="〔理由未公开或已依法删除〕",
    not_in_export="〔文件未随本卷宗导出〕",
    duration_s="{s} 秒",
    duration_min="{m} 分 {s} 秒",
    duration_h="{h} 小时 {m} 分 {s} 秒",
    date="{y}年{m}月{d}日",
    not_given="（未载明）",
    court="法院",
    case_number="案号",
    cause="案由",
    kind="庭审方式",
    corrects="更正对象",
    corrected="已封存的记录 {stream}（共 {entries} 条）",
    scheduled="预定时间",
    began="开始时间",
    closed="结束时间",
    not_begun="未开始",
    not_closed="未结束",
    sealed_at="封存时间",
    not_sealed="尚未封存，记录至第 {seq} 条",
    zone="时区",
    participants="参加人",
    role="诉讼地位",
    name="姓名",
    seat="席位",
    presence="到庭情况",
    presence_span="{start} 至 {end}",
    presence_open="{start} 起",
    presence_breaks="网络中断 {count} 次",
    never_present="未到庭",
    recording="录音录像",
    no_recording="本次没有录音录像。",
    track="种类",
    from_to="起止",
    recorded="已录时长",
    recorded_value="{length}（{count} 段）",
    gaps="录制中断",
    no_gaps="无中断。",
    gap_row="第 {seq} 条",
    faults="录制故障 {count} 次，见正文。",
    proceedings="庭审内容",
    line="序号",
    time="时间",
    speaker="发言人",
    words="内容",
    root="记录根值",
    root_words="本笔录由电子记录自动生成。每行的序号即记录中的条目号，可逐条核对。",
    record_of="记录名称",
    leaf_hash="条目哈希",
    how_to_check="核验方法见同一卷宗中的 README.txt。",
    end="（笔录完）",
    open_file="打开文件",
    play_voice="播放语音",
    picture_of="{who}发送的图片",
    sent_by_clock="发送方时间 {time}",
    replay="庭审回放",
    play="播放",
    pause="暂停",
    speed="速度",
    jump="跳到第 {seq} 条",
    now="现在",
    other_language="English",
    no_track_now="此刻没有录像",
    replay_note="本页不连接网络，仅读取本卷宗中的文件。以电子记录为准。",
    transcript="笔录",
    start_over="从头播放",
    sound_and_picture="录音录像",
    need_script="本页需要启用 JavaScript；笔录全文见 transcript.zh.html。",
    colon="：",
    stop="。",
    comma="，",
    clause="；",
    space="",
)

EN: Final = Wording(
    language="en",
    html_lang="en",
    roles={
        "judge": "Judge",
        "clerk": "Clerk",
        "plaintiff": "Plaintiff",
        "defendant": "Defendant",
        "third_party": "Third party",
        "agent": "Representative",
        "witness": "Witness",
        "expert": "Expert",
        "interpreter": "Interpreter",
        "mediator": "Mediator",
        "assistant": "Judge's assistant",
        "observer": "Observer",
        "courtroom": "Courtroom",
    },
    kinds={
        "hearing": KindWords(
            "Hearing",
            "Record of hearing",
            "Opened the hearing.",
            "Adjourned for a recess.",
            "Resumed the hearing.",
            "Closed the hearing.",
        ),
        "pretrial": KindWords(
            "Pre-trial conference",
            "Record of pre-trial conference",
            "Opened the conference.",
            "Adjourned for a recess.",
            "Resumed the conference.",
            "Closed the conference.",
        ),
        "exchange": KindWords(
            "Exchange of evidence",
            "Record of evidence exchange",
            "Opened the exchange of evidence.",
            "Paused the exchange of evidence.",
            "Resumed the exchange of evidence.",
            "Closed the exchange of evidence.",
        ),
        "inquiry": KindWords(
            "Inquiry",
            "Record of inquiry",
            "Opened the inquiry.",
            "Paused the inquiry.",
            "Resumed the inquiry.",
            "Closed the inquiry.",
        ),
        "mediation": KindWords(
            "Mediation",
            "Record of mediation",
            "Opened the mediation.",
            "Paused the mediation.",
            "Resumed the mediation.",
            "Closed the mediation.",
        ),
        "supplement": KindWords("Supplement", "Supplement to a record", "Opened.", "Paused.", "Resumed.", "Closed."),
        "": KindWords("Sitting", "Record of sitting", "Opened.", "Paused.", "Resumed.", "Closed."),
    },
    tracks={"audio": "sound", "video": "picture", "screen": "shared screen"},
    rungs={
        "video": "full video",
        "small": "small video",
        "audio": "sound alone",
        "clips": "no live sound or picture; messages take their place",
    },
    media_kinds={"voice": "Voice message", "image": "Picture", "video": "Video clip", "file": "File"},
    causes={
        "network": "connection lost",
        "left": "left by own choice",
        "removed": "removed by order",
        "muted": "muted by the court",
        "off": "switched off by the participant",
        "camera_off": "camera switched off by the participant",
        "microphone_off": "microphone switched off by the participant",
        "recess": "recess",
        "loss": "data lost on the way",
        "silence": "the device sent nothing",
        "silent": "the device sent nothing",
        "overload": "recorder overloaded",
        "stopped": "recording stopped",
        "not_routed": "not connected by the court",
        "gone": "connection gone",
        "downlink": "not enough bandwidth towards the person",
        "uplink": "not enough bandwidth from the person",
        "client": "asked for by the person's device",
        "recovered": "the connection recovered",
        "closed": "connection closed",
        "no_media_plane": "no sound and picture service",
        "codec": "change of encoding",
        "fault": "recorder fault",
        "disk": "storage fault",
        "restart": "server restarted",
        "server": "server interrupted",
        "worker": "media service restarted",
        "crash": "server ended unexpectedly",
    },
    grounds={
        "privacy": "privacy",
        "minor": "protection of a minor",
        "state_secret": "state secret",
        "trade_secret": "trade secret",
        "personal_information": "erasure of personal information",
        "unlawful": "unlawful content",
        "other": "another ground of law",
    },
    missing={
        "withheld": "[Withheld, or destroyed by order: not shown in this document. The entry itself is unchanged.]",
        "restricted": "[Restricted: not in this copy. The entry itself is unchanged.]",
        "destroyed": "[Destroyed by order. The entry itself is unchanged.]",
        "unreadable": "[What was sent is not well formed and cannot be shown. "
        "Its bytes are kept in the electronic record.]",
    },
    missing_notes={
        "withheld": "Entries whose content is not in this document: {count} ({list}).",
        "restricted": "Entries whose content is restricted and not in this copy: {count} ({list}).",
        "destroyed": "Entries whose content was destroyed by order: {count} ({list}).",
        "unreadable": "Entries whose content is not well formed and cannot be shown: {count} ({list}).",
    },
    join_causes={"first": "Checked in.", "return": "Reconnected."},
    leave_causes={
        "left": "Left.",
        "network": "Went offline: connection lost.",
        "server": "Went offline: server interrupted.",
        "removed": "Left by order of the court.",
    },
    court_speaker="Court system",
    unknown_role="Participant",
    person="{role} {name}",
    withheld_name="(name withheld)",
    cause_in_words="other (code: {code})",
    check_in="Began checking in the participants.",
    admit="Admitted {who} to the courtroom.",
    remove="Ordered {who} to leave the courtroom.",
    mute="Muted {who}.",
    unmute="Allowed {who} to speak again.",
    mute_all="Muted all participants.",
    unmute_all="Allowed all participants to speak again.",
    floor="Gave the floor to {who}.",
    floor_back="Took back the floor.",
    allow_screen="Let {who} share the screen.",
    end_screen="Ended the shared screen.",
    go_on="Ruled that the sitting goes on with {who} as heard and seen now.",
    restrict="Restricted what follows to the bench and {who}.",
    restrict_to_bench="Restricted what follows to the bench.",
    unrestrict="Ended the restriction.",
    course={
        "rules": "The rules of this sitting: {title} ({pack}, version {version}).",
        "stages": "Stages",
        "stage": "Entered the stage: {name}.",
        "suspend": "Suspended the sitting for technical reasons.",
        "suspend_court": "No judge was connected: the sitting was suspended.",
        "adjourn": "Adjourned the sitting to {date}.",
        "convert": "Converted the sitting to one in a courtroom ({name}); what was done online remains valid.",
        "cancel": "Cancelled the sitting.",
    },
    testimony={
        "call": "Called {who} to testify.",
        "undertaking.sign": "Signed the undertaking:",
        "undertaking.refuse": "Refused to sign or read the undertaking and does not testify.",
        "undertaking_refused": "Noted that {who} refuses to sign or read the undertaking and does not testify.",
        "undertaking_begin": "Asked {who} to read the undertaking aloud.",
        "undertaking_end": "{who} has read the undertaking aloud.",
        "examine": "{by} to question {who}.",
        "examine_end": "The questioning of {who} ended.",
        "release": "Released {who}.",
        "release.may_observe": "Released {who}, who may stay and observe.",
        "release.excluded": "Released {who}, who is out of the courtroom and may not observe.",
        "recall": "Recalled {who} to testify.",
        "confront": "Ordered {who} to be confronted with one another.",
        "confront_end": "Ended the confrontation.",
    },
    conduct={
        "room_open.counsel": "Gave lawyer and client a private room: {who}.",
        "room_open.deliberation": "Went to deliberate: {who}.",
        "room_open.sidebar": "Called to a sidebar: {who}.",
        "room_ask.counsel": "Asked for a private room of lawyer and client: {who}.",
        "room_ask.sidebar": "Asked for a sidebar: {who}.",
        "room_grant": "Granted the private room that {who} asked for.",
        "room.counsel": "{who} entered a private room of lawyer and client, of which nothing is recorded or kept.",
        "room.deliberation": "{who} entered the deliberation, of which nothing is recorded or kept.",
        "room.sidebar": "{who} entered a sidebar that is not recorded.",
        "room.sidebar_recorded": "{who} entered a sidebar that is recorded.",
        "room_leave": "Came back from the private room.",
        "room_close": "Private room {code} is to end in {time}.",
        "room_close_now": "Ended private room {code}.",
        "room_end": "Private room {code} ended, and everybody in it is back in the courtroom.",
        "interprets": "Named {who} to interpret in the channel “{code}”.",
        "interprets_end": "Ended the channel of {who}.",
        "channel": "Listens to the channel “{code}”.",
        "channel_end": "Listens to no channel.",
        "link": "Linked an interpreter and a person, who come and go together: {who}.",
        "link_end": "{who} comes and goes with nobody any more.",
        "pin": "Pinned the picture of the signer {who} for everybody.",
        "pin_end": "Unpinned the picture of the signer.",
        "floor_mode.free": "Opened the floor to everybody.",
        "floor_mode.hands": "Gives the floor to those who raise a hand.",
        "floor_mode.turns": "Gives the floor in turns.",
        "turns": "Set the order of speaking: {who}.",
        "floor": "Gave the floor to {who} for {time}.",
        "time_up": "The time of {who} is up.",
        "gallery_delay": "Ordered that the gallery see and hear {time} later.",
        "gallery_delay.live": "Ordered that the gallery see and hear live again.",
        "objection": "Objects: {code}.",
        "motion": "Moves: {code}.",
        "order": "Orders:",
        "rule": "Ruled on #{seq}: {code}.",
        "drop": "How {who} dropped out: {code}.",
        "prompt_absent": "Called upon {who}, who is away, to come back to the court.",
        "warn_absent": "Warned {who}, who is away, of what the law may draw from staying away.",
        "rule_absent.excused": "Ruled that the absence of {who} is excused.",
        "rule_absent.left_court": "Ruled that {who} left the court without leave.",
        "rule_absent.refused": "Ruled that {who} did not come to court without good reason.",
    },
    conduct_codes={
        "leading": "leading question",
        "relevance": "beside the matter",
        "form": "improper question",
        "personal": "insulting",
        "repeated": "asked before",
        "adjournment": "adjournment",
        "recusal": "recusal",
        "evidence": "evidence to be called for or handed in",
        "witness": "a witness to be heard",
        "other": "other",
        "sustained": "sustained",
        "overruled": "overruled",
        "granted": "granted",
        "denied": "denied",
        "reserved": "reserved",
    },
    drop_parts={
        "side.server": "ended on the court's side",
        "side.client": "ended by the person's device",
        "side.unknown": "the line broke, on which side cannot be told",
        "heard": "no sign of it for {time} before",
        "media": "no sound or picture for {time} before",
        "battery": "battery at {percent}%",
        "network": "network: {code}",
    },
    checked_in={
        "verify": "Looked at who {who} is ({what}).",
        "verify.passed": "Looked at who {who} is ({what}): confirmed.",
        "verify.failed": "Looked at who {who} is ({what}): not confirmed.",
        "note_consent": "Noted that {who} consents to {what} (text {version}).",
        "consent": "Consented to {what} (text {version}).",
        "consent.withdraw": "Withdrew the consent to {what}.",
        "rules.accept": "Read and accepted the court rules (text {what}).",
        "bars": "Looked at what speaks against an online hearing: {what}.",
        "no_bars": "Looked at what speaks against an online hearing: nothing found.",
        "checklist": "Not done when the court opened: {what}.",
    },
    checked_in_codes={
        "document": "document seen",
        "question": "by a question",
        "video": "compared over video",
        "known": "known to the court",
        "online_hearing": "an online hearing",
        "online_evidence": "evidence given online",
        "online_service": "electronic service",
        "recording": "the recording in place of a written record",
        "bar.refusal": "a party objects with good reason",
        "bar.no_equipment": "no equipment or skill for it",
        "bar.originals": "somebody or an original must be seen in person",
        "bar.complex": "a complex case",
        "bar.secret": "state or trade secrets",
        "bar.impact": "of great public effect",
        "identity": "identity not looked at",
        "consent": "no consent to an online hearing",
        "rules": "court rules not accepted",
        "judge": "no judge present",
        "recorder": "the recorder has failed before",
        "bars": "what speaks against an online hearing not looked at",
    },
    checked_in_missing="{who}: {what}",
    propose_seal="Proposed to seal the record.",
    order_seal="Ordered the record to be sealed.",
    because="Reason: {reason}",
    hand_up="Raised a hand to ask for the floor.",
    hand_down="Lowered the hand.",
    opened="Opened the record of this sitting ({kind}).",
    opened_supplement="Opened a supplement to {which}.",
    supplement="Added as follows. By order: {order}",
    seated="Listed for this sitting: {who}.",
    key_first="Enrolled the signing device of {who} (key {key}).",
    key_by_clerk="Enrolled another signing device of {who}, allowed by the clerk (key {key}).",
    key_ended="The former signing device of {who} signs no more (key {key}).",
    anchored="Registered court-wide: the register had {size} entries by then.",
    time_stamped="Time-stamped {time}.",
    redacted="Content destroyed by order: {list}. The entries themselves remain. Ground: {ground}.",
    redacted_by="The order is entry #{seq} of the case.",
    recording_on="Sound and picture recording started.",
    recording_off="Sound and picture recording stopped.",
    recording_fault="The recorder failed: {cause}.",
    gap="Not recorded: {track} of {who}, {start} to {end}, {length}. Cause: {cause}.",
    stepped="{who} is now with: {now}. Cause: {cause}.",
    conflict="The device of {who} sent two different messages under one number ({dseq}); the first one stands.",
    sealed="The record is sealed.",
    sealed_by_one="Sealed by {second} alone.",
    sealed_by_two="Sealed by {second} with {first}.",
    sealed_over="{entries} entries with this one, {media} of recordings. Nothing can be added after sealing.",
    sealed_gaps="Interruptions of the recording: {count}.",
    unread="An entry that this document cannot put into words (type: {type}). It is kept in the electronic record.",
    withheld_reason="[reason withheld or destroyed by order]",
    not_in_export="[the file is not in this export]",
    duration_s="{s} s",
    duration_min="{m} min {s} s",
    duration_h="{h} h {m} min {s} s",
    date="{d} {month} {y}",
    not_given="(not stated)",
    court="Court",
    case_number="Case number",
    cause="Cause of action",
    kind="Kind of sitting",
    corrects="Corrects",
    corrected="sealed record {stream} ({entries} entries)",
    scheduled="Scheduled for",
    began="Opened",
    closed="Closed",
    not_begun="not opened",
    not_closed="not closed",
    sealed_at="Sealed",
    not_sealed="not sealed yet, open as of #{seq}",
    zone="Time zone",
    participants="Participants",
    role="Role",
    name="Name",
    seat="Seat",
    presence="Presence",
    presence_span="{start} to {end}",
    presence_open="from {start}",
    presence_breaks="connection lost {count}×",
    never_present="did not appear",
    recording="Recording",
    no_recording="This sitting was not recorded in sound or picture.",
    track="Kind",
    from_to="From – to",
    recorded="Recorded",
    recorded_value="{length} (segments: {count})",
    gaps="Interruptions",
    no_gaps="None.",
    gap_row="#{seq}",
    faults="Recorder faults: {count}, see below.",
    proceedings="Proceedings",
    line="No.",
    time="Time",
    speaker="Speaker",
    words="Words and acts",
    root="Root of the record",
    root_words="Made automatically from the electronic record. The number of a line is the number of its entry, "
    "and each can be checked.",
    record_of="Name of the record",
    leaf_hash="entry hash",
    how_to_check="How to check it: see README.txt in the same export.",
    end="(End of the record)",
    open_file="Open the file",
    play_voice="Play the voice message",
    picture_of="Picture sent by {who}",
    sent_by_clock="sender's clock {time}",
    replay="Replay of the hearing",
    play="Play",
    pause="Pause",
    speed="Speed",
    jump="Go to #{seq}",
    now="Now",
    other_language="中文",
    no_track_now="no picture at this moment",
    replay_note="This page uses no network and reads only the files of this export. The electronic record prevails.",
    transcript="Transcript",
    start_over="From the beginning",
    sound_and_picture="Sound and picture",
    need_script="This page needs JavaScript; the full text is in transcript.en.html.",
    colon=": ",
    stop=".",
    comma=", ",
    clause="; ",
    space=" ",
)

CATALOGS: Final[Mapping[Language, Wording]] = {"zh": ZH, "en": EN}

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
