"""The words in which a verifier speaks, in Chinese and in English: what was found, what was checked, and what was
not.

Law of this module: a verdict never says more than was done. Each thing that a reader might take for granted and
that was not checked has its own sentence here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from transcripts.wording import Language

CONSISTENT_ONLY: Final = "internally consistent only"
"""The first line of a verdict without the court's key, the same in every language, so that programs can find it."""

Pair = Mapping[Language, str]


def _pair(zh: str, en: str) -> Pair:
    return {"zh": zh, "en": en}


REASONS: Final[Mapping[str, Pair]] = {
    "holds": _pair(
        "卷宗与法院签名一致，未发现改动", "the export agrees with the court's signature; nothing was altered"
    ),
    "consistent": _pair(
        "卷宗自身前后一致；未提供法院公钥，不能说明出自该法院",
        "the export agrees with itself; no court key was given, so nothing shows that the court made it",
    ),
    "not_a_bundle": _pair("不是掌上法庭导出的卷宗", "this is not an export of Palmcourt"),
    "unreadable": _pair("有文件无法读取", "a file cannot be read"),
    "verifier_error": _pair("核验程序未能完成", "the verifier did not come to its end"),
    "key_unreadable": _pair("所给的法院公钥无法识别", "the court key that was given cannot be read"),
    "format_unknown": _pair(
        "卷宗由更新的版本导出，部分文件无法比对", "made by a newer version: some files cannot be compared"
    ),
    "content_absent": _pair(
        "有内容不在本卷宗中，记录亦未载明缘由，无法核验该内容",
        "some content is not in this export and no entry says why; it cannot be checked",
    ),
    "not_a_file": _pair("有不应存在的链接或特殊文件", "a link or special file lies where only files may be"),
    "missing_file": _pair("缺少文件", "a file is missing"),
    "extra_file": _pair("有不属于本卷宗的文件", "a file does not belong to this export"),
    "file_differs": _pair("文件被改动", "a file was altered"),
    "manifest_differs": _pair("文件清单被改动", "the list of files was altered"),
    "note_malformed": _pair("签名文件不符合格式", "the signed checkpoint is malformed"),
    "signature_bad": _pair("法院签名不成立", "the court's signature does not hold"),
    "key_differs": _pair("签名所用公钥与法院公钥不符", "signed by another key than the court's"),
    "certificate_bad": _pair(
        "法院证书与签名公钥不符，或所给证书不能确认该法院证书",
        "the court's certificate does not bind this key, or none of those you gave vouches for it",
    ),
    "empty_record": _pair("记录没有任何条目", "the record has no entries"),
    "bundle_malformed": _pair("记录的条目文件被改动", "a file of entries was altered"),
    "leaf_malformed": _pair("条目不符合格式", "an entry is malformed"),
    "leaf_differs": _pair("条目被改动", "an entry was altered"),
    "tile_differs": _pair("记录的哈希树文件被改动", "a file of the hash tree was altered"),
    "root_differs": _pair("条目与签名的根值不符", "the entries are not the ones that were signed"),
    "out_of_order": _pair("条目的编号或时间次序不符", "entries are out of order"),
    "after_seal": _pair("封存之后又有条目", "an entry follows the seal"),
    "content_missing": _pair("缺少内容或其随机数", "a content or its salt is missing"),
    "content_differs": _pair("内容与条目的承诺值不符", "a content is not what its entry commits to"),
    "view_differs": _pair(
        "笔录、目录或回放与记录不符", "a transcript, table or replay is not the one the record gives"
    ),
    "seal_differs": _pair("封存条目的统计与记录不符", "the counts of the seal are not those of the record"),
    "not_sealed": _pair("记录没有封存", "the record is not sealed"),
    "act_unsigned": _pair("有人的行为没有其设备的签名", "a person's act is not signed by a device"),
    "act_signature_bad": _pair(
        "行为的设备签名不成立，或法院条目冒充设备", "the device's signature under an act does not hold"
    ),
    "key_unknown": _pair(
        "行为所用的设备密钥当时未登记给该席位", "an act is signed by a key that was not enrolled for that seat then"
    ),
    "cosignature_bad": _pair(
        "见证签名不成立，或签名人不在见证规则中", "a cosignature does not hold, or is of nobody in the policy"
    ),
    "policy_differs": _pair("见证规则与记录不符", "policy.txt is not the one that the record gives"),
    "policy_unreadable": _pair("所给的见证规则无法识别", "the policy that was given cannot be read"),
    "policy_unmet": _pair(
        "所给见证规则要求的签名不足", "the signatures that the policy you gave asks for are not there"
    ),
    "redaction_bad": _pair("删节说明与卷宗不符", "the list of what is left out does not agree with the export"),
    "register_differs": _pair("法院总登记与本记录不符", "the court's register says otherwise than this record"),
    "timestamp_bad": _pair("时间戳不成立", "a time-stamp does not hold"),
    "token_missing": _pair(
        "有时间戳请求或时间戳机构证书，却没有时间戳",
        "a time-stamp request or an authority's certificates are there without a time-stamp",
    ),
    "time_shifted": _pair(
        "法院所记时间与时间戳相差超过一分钟", "the court's times lie more than a minute outside what time-stamps allow"
    ),
    "time_unchecked": _pair("时间戳在此无法核验", "a time-stamp cannot be checked here"),
    "anchor_differs": _pair("记录中的登记回写与总登记不符", "an anchor of this record is not a state of the register"),
}
"""One sentence for each reason code. Codes are stable; programs go by them."""


@dataclass(frozen=True, slots=True)
class VerdictWording:
    """Sentences of the report; fields with braces are templates."""

    holds: str
    altered_seq: str
    altered_file: str
    cannot: str
    record: str
    sealed: str
    open: str
    key: str
    findings: str
    found_at_seq: str
    found_at_file: str
    more: str
    checked: str
    not_checked: str
    properties: str
    property: str
    colon: str
    did_signature: str
    did_consistency: str
    did_certified: str
    did_bound: str
    did_vouched: str
    did_entries: str
    did_contents: str
    did_views: str
    did_files: str
    did_seal: str
    did_acts: str
    did_cosigned: str
    quorum_met: str
    quorum_unmet: str
    did_policy: str
    did_stated: str
    did_rotations: str
    did_resumed: str
    did_register: str
    did_stamp: str
    did_stamp_inside: str
    did_outside: str
    not_key: str
    not_named: str
    not_entries: str
    not_views: str
    not_media: str
    not_played: str
    not_virus: str
    not_time: str
    not_register_part: str
    not_authority: str
    not_acts: str
    not_orders: str
    not_stated: str
    not_truth: str
    gaps: str
    course: str
    names: Mapping[str, str]
    states: Mapping[str, str]
    authenticity: str
    authenticity_registered: str
    completeness: str
    usability: str
    security: str


VERDICT_ZH: Final = VerdictWording(
    holds="成立：{reason}",
    altered_seq="已被改动：首个有问题的条目为第 {seq} 条（{reason}）",
    altered_file="已被改动：首个有问题的文件为 {file}（{reason}）",
    cannot="无法核验：{reason}",
    record="记录 {origin}，{size} 条，根值 {root}",
    sealed="已封存，封存条目为第 {seq} 条",
    open="尚未封存，记录至第 {seq} 条（open as of #{seq}）",
    key="签名公钥 {key}",
    findings="发现的问题",
    found_at_seq="第 {seq} 条",
    found_at_file="{file}",
    more="另有 {count} 处未列出",
    checked="已核验",
    not_checked="未核验",
    properties="四性检测",
    property="  - {name}：{state}（{what}）",
    colon="：",
    did_signature="法院对记录名称、条数和根值的签名，公钥由核验人提供",
    did_consistency="卷宗内所附公钥对记录的签名（公钥本身未经确认）",
    did_certified="法院对记录名称、条数和根值的签名，公钥由核验人所给证书确认",
    did_bound="卷宗内的证书对签名公钥的签名（证书 {subject}，{first} 至 {last}；证书本身未经确认）",
    did_vouched="法院证书对签名公钥的签名，该证书由核验人所给证书确认（{subject}，{first} 至 {last}；未查吊销）",
    did_entries="{size} 条条目的格式、编号、时间次序，以及由全部条目重新计算的哈希树",
    did_contents="{contents} 项内容和 {blobs} 个文件与各自承诺值",
    did_views="{count} 个由记录生成的文件（笔录、目录、回放、说明），重新生成并逐字节比对",
    did_files="文件清单，重新生成并逐字节比对；每个文件均有归属",
    did_seal="封存条目所载的条数、各类条数、录制时长和中断数",
    did_acts="{acts} 项个人行为中 {signed} 项的设备签名，公钥为记录中登记给该席位的公钥",
    did_cosigned="对本记录现有条数的见证签名（席位：{slots}），以及对较早条数的 {earlier} 个见证签名",
    quorum_met="见证规则所要求的签名已齐",
    quorum_unmet="见证规则所要求的签名未齐（已注明，不视为改动）",
    did_policy="见证签名符合核验人所给的见证规则",
    did_stated="法院签名的删节说明：按令销毁 {shredded} 项，因不公开或系合议庭便条而未附 {restricted} 项",
    did_rotations="法院公钥的 {count} 次更换，直至签名公钥",
    did_resumed="{count} 个文件的摘要取自核验人此前的记录，本次未重读",
    did_register="法院总登记：本记录的设立，其前 {size} 条，以及 {anchors} 处登记回写",
    did_stamp="可信时间戳：所登记的部分不晚于 {time}，由核验人所给的时间戳机构证书确认",
    did_stamp_inside="时间戳：称所登记的部分不晚于 {time}（仅按卷内证书核对；机构证书未由别处给出，不足为凭）",
    did_outside="外部见证人对总登记的见证签名：{names}（其公钥取自卷内，本身未经确认）",
    not_key="签名公钥是否为该法院所有",
    not_named="证书 {subject} 是否属于该法院（证书未载其域名）",
    not_entries="条目之后的部分（因记录本身已被改动）",
    not_views="笔录、目录和回放（因记录本身不成立或版本不同）",
    not_media="data/media 中拼接的录音录像与原始分段是否一致（仅核对文件清单）",
    not_played="录音录像能否播放（仅核对字节）",
    not_virus="病毒",
    not_time="时间是否真实（未核验可信时间戳和法院总登记）",
    not_register_part="总登记中卷宗未附的部分（{parts}）",
    not_authority="时间是否真实（未由别处给出时间戳机构证书）",
    not_acts="各项行为的设备签名（因记录本身已被改动）",
    not_orders="登记设备公钥、删节所依据的案件条目（在案件自己的记录中）",
    not_stated="未附内容的真实性（只有其承诺值）",
    not_truth="存入之前内容的真实性",
    gaps="录音录像中断 {count} 处，均载于笔录",
    course="庭审经过（据本记录所载）",
    names={
        "authenticity": "真实性",
        "completeness": "完整性",
        "usability": "可用性",
        "security": "安全性",
    },
    states={"ok": "通过", "part": "部分", "failed": "不通过", "unchecked": "未检测"},
    authenticity="法院、设备与见证签名，哈希树，内容承诺值",
    authenticity_registered="法院、设备与见证签名，哈希树，内容承诺值，总登记",
    completeness="编号连续、封存统计、文件清单、录制中断",
    usability="内容齐全、笔录可读；未试播音视频",
    security="无不明文件；未查病毒",
)

VERDICT_EN: Final = VerdictWording(
    holds="holds: {reason}",
    altered_seq="altered: first bad entry #{seq} ({reason})",
    altered_file="altered: first bad file {file} ({reason})",
    cannot="cannot check: {reason}",
    record="record {origin}, {size} entries, root {root}",
    sealed="sealed by entry #{seq}",
    open="not sealed, open as of #{seq}",
    key="signed by key {key}",
    findings="Found",
    found_at_seq="#{seq}",
    found_at_file="{file}",
    more="{count} more are not listed",
    checked="Checked",
    not_checked="Not checked",
    properties="Four properties (四性)",
    property="  - {name}: {state} ({what})",
    colon=":",
    did_signature="the court's signature over name, size and root, with the key that you gave",
    did_consistency="the signature over the record by the key inside the export (the key itself is not confirmed)",
    did_certified="the court's signature over name, size and root, by a key that a certificate of yours vouches for",
    did_bound="that the certificate in the export binds this key ({subject}, {first} to {last}; it is not confirmed)",
    did_vouched="that the court's certificate binds this key, and that one you gave vouches for it"
    " ({subject}, {first} to {last}; revocation was not looked up)",
    did_entries="form, numbers and order of {size} entries, and the hash tree computed again from all of them",
    did_contents="{contents} contents and {blobs} files against their commitments",
    did_views="{count} files made from the record (transcripts, tables, replay, instructions): made again and compared",
    did_files="the list of files, made again and compared; every file belongs to the export",
    did_seal="number of entries, number of each kind, recorded time and interruptions as the seal states them",
    did_acts="the devices' signatures under {signed} of {acts} acts, by the keys that the record enrolled",
    did_cosigned="the cosignatures under this very head (seats: {slots}), and {earlier} under earlier heads",
    quorum_met="the signatures that the record's policy asks for are there",
    quorum_unmet="the signatures that the record's policy asks for are NOT all there (marked, not altered)",
    did_policy="the cosignatures satisfy the policy that you gave",
    did_stated="what is signed as absent: {shredded} destroyed by order, {restricted} restricted or notes of the bench",
    did_rotations="the notes of {count} changes of the court's key, up to the one that signed",
    did_resumed="{count} files by the digests you kept of an earlier run; they were not read again",
    did_register="the court's register: the opening of this record, its first {size} entries, and {anchors} anchors",
    did_stamp="a trusted time-stamp: what is registered is not later than {time}, by an authority you named",
    did_stamp_inside="a time-stamp: what is registered is not later than {time}, by nobody you named",
    did_outside="cosignatures of outside witnesses under the register: {names} (by keys found in the export)",
    not_key="whether the signing key is the court's",
    not_named="whether the certificate {subject} is that court's (it does not name its host)",
    not_entries="what follows from the entries (the record itself was altered)",
    not_views="transcripts, tables and replay (the record does not hold, or is of another version)",
    not_media="whether the joined recordings in data/media agree with the segments (only their listed digests were)",
    not_played="whether recordings can be played (only their bytes were compared)",
    not_virus="viruses",
    not_time="whether the times are true (time-stamps and the court's register were not checked)",
    not_register_part="parts of the register that the export does not have ({parts})",
    not_authority="whether the times are true (no certificate of a time-stamp authority was given)",
    not_acts="the signatures of devices (the record itself was altered)",
    not_orders="the orders by which keys were enrolled and content was destroyed (they are in the case's own record)",
    not_stated="what was left out (only its commitment is here)",
    not_truth="the truth of what was said or sent, before it reached the record",
    gaps="interruptions of the recording: {count}, each in the transcript",
    course="Course of the sitting, as this record tells it",
    names={
        "authenticity": "Authenticity (真实性)",
        "completeness": "Completeness (完整性)",
        "usability": "Usability (可用性)",
        "security": "Security (安全性)",
    },
    states={"ok": "holds", "part": "in part", "failed": "fails", "unchecked": "not checked"},
    authenticity="signatures of court, devices and witnesses, hash tree, commitments",
    authenticity_registered="signatures of court, devices and witnesses, hash tree, commitments, register",
    completeness="unbroken numbers, counts of the seal, list of files, interruptions",
    usability="contents are there, transcripts can be read; recordings were not played",
    security="no unknown files; no virus scan",
)

VERDICTS: Final[Mapping[Language, VerdictWording]] = {"zh": VERDICT_ZH, "en": VERDICT_EN}
