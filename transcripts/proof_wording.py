"""The words around the proof of one entry: its verdict, and the README in its folder."""

from collections.abc import Mapping
from typing import Final

from recording.checkpoint import Checkpoint
from recording.leaf import Leaf
from recording.note import VerifierKey
from transcripts.verdict_wording import REASONS
from transcripts.wording import Language

PROOF_REASONS: Final[Mapping[str, Mapping[Language, str]]] = {
    **REASONS,
    "proof_holds": {
        "zh": "该条目在法院签名时已在记录中，未发现改动",
        "en": "this entry was on the record when the court signed it; nothing was altered",
    },
    "proof_consistent": {
        "zh": "证明自身前后一致；未提供法院公钥，不能说明出自该法院",
        "en": "the proof agrees with itself; no court key was given, so nothing shows that the court made it",
    },
    "not_a_proof": {"zh": "目录中没有条目证明", "en": "there is no proof of an entry in this directory"},
    "proof_malformed": {"zh": "证明文件不符合格式", "en": "the proof is malformed"},
    "proof_differs": {
        "zh": "条目或证明被改动，不能推出所签名的根值",
        "en": "entry or proof was altered: it does not lead to the signed root",
    },
    "beyond_size": {
        "zh": "条目编号超出签名时的条数",
        "en": "the entry's number is beyond the size that was signed",
    },
    "other_log": {"zh": "这是另一份记录的条目或证明", "en": "entry and proof are of different records"},
    "content_absent": {
        "zh": "内容不在此目录中，只能核验条目本身",
        "en": "the content is not in this directory; only the entry itself can be checked",
    },
}

PROOFS: Final[Mapping[Language, Mapping[str, str]]] = {
    "zh": {
        "holds": "成立：{reason}",
        "altered": "已被改动：{reason}",
        "cannot": "无法核验：{reason}",
        "record": "记录 {origin}，签名时 {size} 条，根值 {root}",
        "entry": "第 {seq} 条，类型 {type}，席位 {actor}",
        "checked": "已核验：",
        "not_checked": "未核验：",
        "did_signature": "法院对记录名称、条数和根值的签名，公钥由核验人提供",
        "did_consistency": "目录内所附公钥的签名（公钥本身未经确认）",
        "did_inclusion": "第 {seq} 条在 {size} 条的记录中，且只能在该位置",
        "did_device": "该行为的设备签名，公钥由同一记录中的条目登记给该席位",
        "did_contents": "{count} 项内容或文件与条目的承诺值",
        "not_key": "签名公钥是否为该法院所有",
        "not_inclusion": "条目是否在记录中",
        "not_others": "签名文件上另外 {count} 个签名（未提供其公钥）",
        "not_rest": "记录的其他条目，以及其后是否有更正",
        "not_device": "当事人设备的签名（没有登记其公钥的条目）",
        "not_replaced": "该公钥在此行为之前是否已被更换",
        "not_time": "时间是否真实",
        "not_truth": "存入之前内容的真实性",
    },
    "en": {
        "holds": "holds: {reason}",
        "altered": "altered: {reason}",
        "cannot": "cannot check: {reason}",
        "record": "record {origin}, {size} entries when it was signed, root {root}",
        "entry": "entry #{seq}, type {type}, seat {actor}",
        "checked": "Checked:",
        "not_checked": "Not checked:",
        "did_signature": "the court's signature over name, size and root, with the key that you gave",
        "did_consistency": "the signature by the key in this directory (the key itself is not confirmed)",
        "did_inclusion": "entry #{seq} is in the record of {size} entries, at this place and no other",
        "did_device": "the device's signature under the act, by the key that an entry of the same record enrolled",
        "did_contents": "{count} contents or files against the entry's commitments",
        "not_key": "whether the signing key is the court's",
        "not_inclusion": "whether the entry is in the record",
        "not_others": "{count} further signatures on the checkpoint (their keys were not given)",
        "not_rest": "the other entries of the record, and whether a later one corrects this",
        "not_device": "the signature of a device (the entry that enrolled its key is not here)",
        "not_replaced": "whether that key had been replaced before the act",
        "not_time": "whether the times are true",
        "not_truth": "the truth of what was said or sent, before it reached the record",
    },
}

_README: Final = """\
掌上法庭：单个条目的证明
=====================
记录 {origin}，第 {seq} 条（{type}，{actor}），签名时共 {size} 条。
本目录可单独核验，不需要服务器，也不需要卷宗的其他部分。它只说明：这一条目及其内容在法院签名时
已经在记录的这一位置，此后未被改动。它不说明其他条目，也不说明其后有无更正。

核验：  palmcourt verify --proof . --court-key 法院公钥文件
法院公钥必须另行取得（例如传票上所印），不得使用本目录中的 log.vkey 代替。

不用本程序时，在本目录中依次执行下面的命令（bash、openssl、sha256sum）。

Palmcourt: the proof of one entry
=================================
Record {origin}, entry #{seq} ({type}, {actor}), {size} entries when it was signed.
This directory is checked alone, without a server and without the rest of the record. It shows that this
entry and its content stood at this place of the record when the court signed it, and were not changed since.
It says nothing about other entries, nor whether a later one corrects this.

Check:  palmcourt verify --proof . --court-key THE-COURT'S-KEY-FILE
The court's key has to come by another way (printed on the summons, for example), not from log.vkey in here.

Without this program, run the commands below in this directory (bash, openssl, sha256sum).

# 1. 内容与承诺值 / contents and commitments: each line must end in OK
{contents}
# 2. 法院签名 / the court's signature: "Signature Verified Successfully"
#    法院公钥应为 / the court's public key has to be {key}
proof={name}.tlog-proof; work=$(mktemp -d)
note() {{ sed '1,/^$/d' "$proof"; }}
raw() {{ printf '%b' "$(printf '%s' "$1" | sed 's/../\\\\x&/g')"; }}
note | head -n 3 > "$work/text"
note | grep -F -- '— {origin} ' | head -n 1 | sed 's/.* //' | base64 -d | tail -c +5 > "$work/signature"
{{ printf '\\060\\052\\060\\005\\006\\003\\053\\145\\160\\003\\041\\000'; raw {key}; }} > "$work/key"
openssl pkeyutl -verify -pubin -keyform DER -inkey "$work/key" -rawin -in "$work/text" -sigfile "$work/signature"
rm -r "$work"

# 3. 条目在记录中 / the entry is in the record: both lines must be the same
node() {{ {{ printf '\\001'; raw "$1"; raw "$2"; }} | sha256sum | cut -c1-64; }}
hash=$({{ printf '\\000'; cat {name}.leaf; }} | sha256sum | cut -c1-64)
at={seq}; last={last}
for step in $(sed -n '3,{end}p' "$proof"); do
  other=$(printf '%s' "$step" | base64 -d | sha256hex)
  if (( at & 1 )) || (( at == last )); then
    hash=$(node "$other" "$hash")
    while (( at && !(at & 1) )); do at=$((at >> 1)); last=$((last >> 1)); done
  else
    hash=$(node "$hash" "$other")
  fi
  at=$((at >> 1)); last=$((last >> 1))
done
echo "$hash"
note | sed -n 3p | base64 -d | sha256hex
"""
_HEX: Final = "od -An -v -tx1 | tr -d ' \\n'"


def readme(leaf: Leaf, steps: int, signed: Checkpoint, key: VerifierKey, names: Mapping[bytes, str | None]) -> str:
    """How to check the folder. All of it follows from the leaf, the checkpoint and the key."""
    lines = []
    for commit, name in names.items():
        if name is None:
            lines.append(f"# {commit.hex()}: 不在此目录中 / not in this directory\n")
            continue
        lines.append(
            f"found=$({{ printf 'palm/content/v1\\000'; cat salts/{commit.hex()};"
            f" openssl dgst -sha256 -binary {name}; }} | sha256sum | cut -c1-64)\n"
            f"[ \"$found\" = {commit.hex()} ] && echo '{name} OK' || echo '{name} ALTERED'\n"
        )
    return _README.format(
        origin=signed.origin,
        seq=leaf.seq,
        type=leaf.type,
        actor=leaf.actor,
        size=signed.size,
        last=signed.size - 1,
        name=f"entry-{leaf.seq}",
        contents="".join(lines) or "# 此条目没有内容 / this entry has no content\n",
        key=key.public_key.hex(),
        end=2 + steps,
    ).replace("sha256hex", _HEX)
