"""The browser's copy of the frames, made from `frames.py` and never by hand.

`python -m signaling.typescript` writes `web_client/src/protocol/frames.gen.ts`: an interface per frame, two unions told
apart by `type`, and tables from which `encodeFrame` and `decodeFrame` check every length, range and type that Python
checks. The browser therefore refuses what the server would refuse, before it is sent, and a test compares the committed
file with what this makes.
"""

import sys
from pathlib import Path
from types import UnionType
from typing import Any, Final, Union, get_args

import msgspec
from msgspec import inspect

from signaling import frames

OUTPUT: Final = Path("web_client/src/protocol/frames.gen.ts")

_HEAD = """\
// Made from signaling/frames.py by `python -m signaling.typescript`. Do not edit: edit the frames and run it again.
// signaling/PROTOCOL.md says what the frames mean. Bytes are Uint8Array, as @msgpack/msgpack gives and takes them.

export class FrameError extends Error {
  constructor(where: string, wanted: string) {
    super(`${where}: ${wanted}`);
    this.name = 'FrameError';
  }
}

export type Scalar = null | boolean | number | string | Uint8Array;
export type Argument = Scalar | readonly (Scalar | readonly Scalar[])[];
export type SignalValue = Scalar | { readonly [key: string]: Scalar };
export type View = { readonly [key: string]: unknown };

type Check = (value: unknown, where: string) => unknown;
type Fields = readonly (readonly [name: string, unpack: Check, pack?: Check])[];
type Tables = { readonly [tag: string]: Fields };

function fail(where: string, wanted: string): never {
  throw new FrameError(where, wanted);
}
const integer = (low: number, high: number): Check => (v, where) =>
  typeof v === 'number' && Number.isInteger(v) && v >= low && v <= high ? v : fail(where, `an integer ${low}..${high}`);
const text = (low: number, high: number, pattern?: RegExp): Check => (v, where) => {
  if (typeof v !== 'string' || v.length < low) fail(where, `text of at least ${low}`);
  // Python counts code points, JavaScript UTF-16 units: count again only where it could matter.
  if (v.length > high && Array.from(v).length > high) fail(where, `text of at most ${high}`);
  return pattern === undefined || pattern.test(v) ? v : fail(where, `text like ${pattern.source}`);
};
const bytes = (low: number, high: number): Check => (v, where) =>
  v instanceof Uint8Array && v.length >= low && v.length <= high ? v : fail(where, `${low}..${high} bytes`);
const list = (item: Check, low: number, high: number): Check => (v, where) =>
  Array.isArray(v) && v.length >= low && v.length <= high
    ? v.map((x, i) => item(x, `${where}[${i}]`))
    : fail(where, `a list of ${low}..${high}`);
const oneOf = (...values: readonly unknown[]): Check => (v, where) =>
  values.includes(v) ? v : fail(where, `one of ${values.join(' ')}`);
const orNull = (check: Check): Check => (v, where) => (v === null ? null : check(v, where));
const isMap = (v: unknown): v is { [key: string]: unknown } =>
  typeof v === 'object' && v !== null && !Array.isArray(v) && !(v instanceof Uint8Array);
const view: Check = (v, where) => (isMap(v) ? v : fail(where, 'a map'));
const unpackRow = (fields: Fields): Check => (v, where) => {
  if (!Array.isArray(v) || v.length !== fields.length) fail(where, `a list of ${fields.length}`);
  const row: { [key: string]: unknown } = {};
  fields.forEach(([name, unpack], i) => (row[name] = unpack(v[i], `${where}.${name}`)));
  return row;
};
const packRow = (fields: Fields): Check => (v, where) =>
  isMap(v)
    ? fields.map(([name, unpack, pack]) => (pack ?? unpack)(v[name], `${where}.${name}`))
    : fail(where, 'an object');
const either = (first: (v: unknown) => boolean, a: Check, b: Check): Check => (v, where) =>
  first(v) ? a(v, where) : b(v, where);
const isNumber = (v: unknown): boolean => typeof v === 'number';
const plain = (depth: number): Check => (v, where) => {
  if (v === null || typeof v === 'boolean') return v;
  if (typeof v === 'number') return integer(-MAX_INT, MAX_INT)(v, where);
  if (typeof v === 'string') return text(0, MAX_ARG_TEXT)(v, where);
  if (v instanceof Uint8Array) return bytes(0, MAX_ARG_TEXT)(v, where);
  return depth > 0 ? list(plain(depth - 1), 0, MAX_ARGS)(v, where) : fail(where, 'a plain value');
};
const argument: Check = plain(2);
const signalValue: Check = (v, where) => {
  if (!isMap(v)) return plain(0)(v, where);
  const keys = Object.keys(v);
  if (keys.length > MAX_SIGNAL_KEYS) fail(where, `at most ${MAX_SIGNAL_KEYS} keys`);
  keys.forEach((key) => plain(0)(v[key], `${where}.${text(0, 32)(key, where)}`));
  return v;
};
"""

_TAIL = """
function encodeBy(tables: Tables, frame: { readonly type: string }): unknown[] {
  const fields = tables[frame.type] ?? fail('frame', 'a known type');
  return [frame.type].concat(packRow(fields)(frame, frame.type) as never[]);
}
function decodeBy(tables: Tables, array: unknown): { type: string } {
  if (!Array.isArray(array) || typeof array[0] !== 'string') fail('frame', 'a list that begins with its type');
  const type = array[0] as string;
  const fields = Object.prototype.hasOwnProperty.call(tables, type) ? tables[type] : undefined;
  if (fields === undefined) fail('frame', 'a known type');
  return { type, ...(unpackRow(fields as Fields)(array.slice(1), type) as object) };
}
function together(frame: ClientFrame): ClientFrame {
  if (frame.type === 'submit' && (frame.salt === null) !== (frame.content === null)) {
    fail('submit', 'salt and content together or not at all');
  }
  if (frame.type === 'history' && frame.to_seq <= frame.from_seq) fail('history', 'to_seq above from_seq');
  return frame;
}

/** The array to hand to msgpack's encoder. Throws FrameError where the server would close the session. */
export function encodeFrame(frame: ClientFrame): unknown[] {
  return encodeBy(CLIENT, together(frame));
}
/** What msgpack's decoder gave, as a frame. Throws FrameError if the server broke the protocol. */
export function decodeFrame(array: unknown): ServerFrame {
  return decodeBy(SERVER, array) as unknown as ServerFrame;
}
/** The other direction, for simulated rooms in tests. */
export function encodeServerFrame(frame: ServerFrame): unknown[] {
  return encodeBy(SERVER, frame);
}
export function decodeClientFrame(array: unknown): ClientFrame {
  return together(decodeBy(CLIENT, array) as unknown as ClientFrame);
}
"""


def generate() -> str:
    """The whole file."""
    client, server = _members(frames.ClientFrame), _members(frames.ServerFrame)
    rows: list[type[msgspec.Struct]] = [
        *(frames.Cursor, frames.EntryRef, frames.Delivered, frames.Hidden, frames.Attestation),
    ]
    parts = [_constants(), _HEAD]
    parts += [_interface(struct, tagged=False) for struct in rows]
    parts.append("export type Reference = number | EntryRef;\n")
    parts += [_interface(struct, tagged=True) for struct in client + server]
    parts.append(f"export type ClientFrame = {' | '.join(s.__name__ for s in client)};")
    parts.append(f"export type ServerFrame = {' | '.join(s.__name__ for s in server)};\n")
    parts += [f"const {_row(struct)}: Fields = {_table(struct)};" for struct in rows]
    parts += [_tables("CLIENT", client), _tables("SERVER", server), _TAIL]
    return "\n".join(parts)


def _constants() -> str:
    names = [n for n, v in vars(frames).items() if n.isupper() and isinstance(v, int | str) and not n.startswith("_")]
    return "\n".join(f"export const {n} = {_literal(getattr(frames, n))};" for n in names) + "\n"


def _members(union: Any) -> list[type[msgspec.Struct]]:
    assert isinstance(union, UnionType) or getattr(union, "__origin__", None) is Union  # noqa: S101 - a build step
    return list(get_args(union))


def _fields(struct: type[msgspec.Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)  # noqa: S101 - a build step
    return info.fields


def _literal(value: object) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)


def _row(struct: type) -> str:
    return struct.__name__[0].lower() + struct.__name__[1:]


def _interface(struct: type[msgspec.Struct], *, tagged: bool) -> str:
    lines = [f"export interface {struct.__name__} {{"]
    if tagged:
        lines.append(f"  readonly type: '{struct.__struct_config__.tag}';")
    lines += [f"  readonly {field.name}: {_type(field.type)};" for field in _fields(struct)]
    return "\n".join([*lines, "}\n"])


def _type(kind: inspect.Type) -> str:  # noqa: C901, PLR0911 - one row for each kind of field
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            check = (extra or {}).get("check")
            return {"argument": "Argument", "signalValue": "SignalValue"}[check] if check else _type(inner)
        case inspect.IntType():
            return "number"
        case inspect.StrType():
            return "string"
        case inspect.BytesType():
            return "Uint8Array"
        case inspect.NoneType():
            return "null"
        case inspect.DictType():
            return "View"
        case inspect.LiteralType(values=values):
            return " | ".join(_literal(value) for value in values)
        case inspect.ListType(item_type=item):
            inner_type = _type(item)
            return f"readonly ({inner_type})[]" if "|" in inner_type else f"readonly {inner_type}[]"
        case inspect.UnionType(types=types):
            return " | ".join(_type(each) for each in types)
        case inspect.StructType(cls=cls):
            return cls.__name__
        case _:
            raise TypeError(f"no TypeScript for {kind}")


def _check(kind: inspect.Type, *, pack: bool) -> str:  # noqa: C901, PLR0911 - one row for each kind of field
    match kind:
        case inspect.Metadata(type=inner, extra=extra):
            check = (extra or {}).get("check")
            return str(check) if check else _check(inner, pack=pack)
        case inspect.IntType(ge=low, le=high):
            return f"integer({low}, {'MAX_INT' if high == frames.MAX_INT else high})"
        case inspect.StrType(min_length=low, max_length=high, pattern=pattern):
            return f"text({low or 0}, {high}{f', /{pattern}/' if pattern else ''})"
        case inspect.BytesType(min_length=low, max_length=high):
            return f"bytes({low or 0}, {high})"
        case inspect.DictType():
            return "view"
        case inspect.LiteralType(values=values):
            return f"oneOf({', '.join(_literal(value) for value in values)})"
        case inspect.ListType(item_type=item, min_length=low, max_length=high):
            return f"list({_check(item, pack=pack)}, {low or 0}, {high})"
        case inspect.StructType(cls=cls):
            return f"{'packRow' if pack else 'unpackRow'}({_row(cls)})"
        case inspect.UnionType(types=(inspect.IntType() as number, inspect.StructType() as struct)):
            return f"either(isNumber, {_check(number, pack=pack)}, {_check(struct, pack=pack)})"
        case inspect.UnionType(types=types) if len(types) == 2 and any(isinstance(t, inspect.NoneType) for t in types):
            return f"orNull({_check(next(t for t in types if not isinstance(t, inspect.NoneType)), pack=pack)})"
        case _:
            raise TypeError(f"no check for {kind}")


def _table(struct: type[msgspec.Struct]) -> str:
    rows = []
    for field in _fields(struct):
        unpack, pack = _check(field.type, pack=False), _check(field.type, pack=True)
        rows.append(f"['{field.name}', {unpack}{'' if unpack == pack else f', {pack}'}]")
    return f"[\n  {', '.join(rows)},\n]"


def _tables(name: str, structs: list[type[msgspec.Struct]]) -> str:
    lines = [f"const {name}: Tables = {{"]
    for struct in structs:
        inner = _table(struct).replace("\n", "").replace("[  [", "[[").replace("],]", "]]")
        lines.append(f"  {struct.__struct_config__.tag}: {inner},")
    return "\n".join([*lines, "};"])


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(generate(), encoding="utf-8")


if __name__ == "__main__":
    main()
