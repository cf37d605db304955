export const VERSION = 2;
export const SUBPROTOCOL = 'palmcourt.v2';
export const MAX_INT = 9007199254740991;
export const MAX_CONTENT = 65536;
export const MAX_SDP = 65536;
export const MAX_CLIENT_FRAME = 131072;
export const MAX_SERVER_FRAME = 1048576;
export const MAX_LEAF = 65535;
export const MAX_ENTRIES = 1024;
export const MAX_ARGS = 64;
export const MAX_ARG_TEXT = 1024;
export const MAX_REFS = 64;
export const MAX_PROOF = 128;
export const MAX_FRONTIER = 64;
export const MAX_SIGNAL_KEYS = 16;
export const MAX_ROTATIONS = 64;
export const MALFORMED = 4400;
export const UNAUTHENTICATED = 4401;
export const FORBIDDEN = 4403;
export const REPLACED = 4409;
export const GONE = 4410;
export const TOO_LARGE = 4413;
export const SLOW_DOWN = 4429;
export const RESUME = 4460;
export const STOPPING = 4503;

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

export interface Cursor {
  readonly stream_id: Uint8Array;
  readonly epoch: number;
  readonly next_seq: number;
  readonly root: Uint8Array | null;
}

export interface EntryRef {
  readonly stream_id: Uint8Array;
  readonly seq: number;
  readonly leaf_hash: Uint8Array;
}

export interface Delivered {
  readonly seq: number;
  readonly leaf: Uint8Array;
  readonly salt: Uint8Array | null;
  readonly content: Uint8Array | null;
}

export interface Hidden {
  readonly seq: number;
  readonly leaf_hash: Uint8Array;
}

export interface Attestation {
  readonly place: number;
  readonly size: number;
  readonly path: readonly Uint8Array[];
  readonly signature: Uint8Array;
}

export type Reference = number | EntryRef;

export interface Hello {
  readonly type: 'hello';
  readonly version: number;
  readonly ticket: string;
  readonly device_key: Uint8Array;
  readonly device_secret: Uint8Array;
  readonly language: string;
  readonly cursor: Cursor | null;
}

export interface Submit {
  readonly type: 'submit';
  readonly dseq: number;
  readonly command: string;
  readonly args: readonly Argument[];
  readonly refs: readonly (number | EntryRef)[];
  readonly salt: Uint8Array | null;
  readonly content: Uint8Array | null;
  readonly ts_client_ms: number;
  readonly csig: Uint8Array;
}

export interface Negotiate {
  readonly type: 'negotiate';
  readonly kind: 'bye' | 'offer';
  readonly sdp: string;
}

export interface Signal {
  readonly type: 'signal';
  readonly name: string;
  readonly value: SignalValue;
}

export interface History {
  readonly type: 'history';
  readonly from_seq: number;
  readonly to_seq: number;
}

export interface Cosign {
  readonly type: 'cosign';
  readonly size: number;
  readonly time_s: number;
  readonly signature: Uint8Array;
}

export interface Ping {
  readonly type: 'ping';
  readonly n: number;
}

export interface Welcome {
  readonly type: 'welcome';
  readonly version: number;
  readonly session: string;
  readonly stream_id: Uint8Array;
  readonly origin: string;
  readonly vkey: string;
  readonly epoch: number;
  readonly slot: string;
  readonly role: string;
  readonly view: View;
  readonly next_seq: number;
  readonly start_seq: number;
  readonly frontier: readonly Uint8Array[];
  readonly now_ms: number;
  readonly last_dseq: number;
  readonly rotations: readonly string[];
  readonly limits: View;
  readonly media: View;
}

export interface Deliver {
  readonly type: 'deliver';
  readonly entries: readonly Delivered[];
}

export interface Withheld {
  readonly type: 'withheld';
  readonly entries: readonly Hidden[];
}

export interface HistoryPage {
  readonly type: 'history_page';
  readonly start_seq: number;
  readonly frontier: readonly Uint8Array[];
  readonly entries: readonly Delivered[];
  readonly withheld: readonly Hidden[];
}

export interface Receipt {
  readonly type: 'receipt';
  readonly dseq: number;
  readonly seq: number;
  readonly leaf_hash: Uint8Array;
  readonly ts_ms: number;
  readonly attestation: Attestation;
}

export interface Refused {
  readonly type: 'refused';
  readonly dseq: number;
  readonly code: string;
  readonly detail: string;
  readonly ts_ms: number;
  readonly attestation: Attestation | null;
}

export interface Busy {
  readonly type: 'busy';
  readonly dseq: number;
  readonly retry_ms: number;
}

export interface Checkpoint {
  readonly type: 'checkpoint';
  readonly note: string;
  readonly consistency: readonly Uint8Array[];
}

export interface Answer {
  readonly type: 'answer';
  readonly sdp: string;
  readonly slots: View;
}

export interface Slots {
  readonly type: 'slots';
  readonly slots: View;
}

export interface Presence {
  readonly type: 'presence';
  readonly slot: string;
  readonly value: View;
}

export interface Lobby {
  readonly type: 'lobby';
  readonly view: View;
}

export interface Pong {
  readonly type: 'pong';
  readonly n: number;
  readonly now_ms: number;
}

export interface Closing {
  readonly type: 'closing';
  readonly code: 4400 | 4401 | 4403 | 4409 | 4410 | 4413 | 4429 | 4460 | 4503;
  readonly detail: string;
}

export type ClientFrame = Hello | Submit | Negotiate | Signal | History | Cosign | Ping;
export type ServerFrame = Welcome | Deliver | Withheld | HistoryPage | Receipt | Refused | Busy | Checkpoint | Answer | Slots | Presence | Lobby | Pong | Closing;

const cursor: Fields = [
  ['stream_id', bytes(16, 16)], ['epoch', integer(0, MAX_INT)], ['next_seq', integer(0, MAX_INT)], ['root', orNull(bytes(32, 32))],
];
const entryRef: Fields = [
  ['stream_id', bytes(16, 16)], ['seq', integer(0, MAX_INT)], ['leaf_hash', bytes(32, 32)],
];
const delivered: Fields = [
  ['seq', integer(0, MAX_INT)], ['leaf', bytes(1, 65535)], ['salt', orNull(bytes(32, 32))], ['content', orNull(bytes(0, 65536))],
];
const hidden: Fields = [
  ['seq', integer(0, MAX_INT)], ['leaf_hash', bytes(32, 32)],
];
const attestation: Fields = [
  ['place', integer(0, MAX_INT)], ['size', integer(1, MAX_INT)], ['path', list(bytes(32, 32), 0, 128)], ['signature', bytes(64, 64)],
];
const CLIENT: Tables = {
  hello: [['version', integer(0, MAX_INT)], ['ticket', text(1, 128)], ['device_key', bytes(32, 32)], ['device_secret', bytes(32, 32)], ['language', text(2, 16)], ['cursor', orNull(unpackRow(cursor)), orNull(packRow(cursor))]],
  submit: [['dseq', integer(1, MAX_INT)], ['command', text(1, 64, /^[a-z][a-z0-9_.]*(?!\n)$/)], ['args', list(argument, 0, 64)], ['refs', list(either(isNumber, integer(0, MAX_INT), unpackRow(entryRef)), 0, 64), list(either(isNumber, integer(0, MAX_INT), packRow(entryRef)), 0, 64)], ['salt', orNull(bytes(32, 32))], ['content', orNull(bytes(0, 65536))], ['ts_client_ms', integer(0, MAX_INT)], ['csig', bytes(64, 64)]],
  negotiate: [['kind', oneOf('bye', 'offer')], ['sdp', text(0, 65536)]],
  signal: [['name', text(1, 64, /^[a-z][a-z0-9_.]*(?!\n)$/)], ['value', signalValue]],
  history: [['from_seq', integer(0, MAX_INT)], ['to_seq', integer(0, MAX_INT)]],
  cosign: [['size', integer(0, MAX_INT)], ['time_s', integer(0, MAX_INT)], ['signature', bytes(64, 64)]],
  ping: [['n', integer(0, MAX_INT)]],
};
const SERVER: Tables = {
  welcome: [['version', integer(0, MAX_INT)], ['session', text(1, 256)], ['stream_id', bytes(16, 16)], ['origin', text(0, 512)], ['vkey', text(0, 1024)], ['epoch', integer(0, MAX_INT)], ['slot', text(1, 32)], ['role', text(1, 32)], ['view', view], ['next_seq', integer(0, MAX_INT)], ['start_seq', integer(0, MAX_INT)], ['frontier', list(bytes(32, 32), 0, 64)], ['now_ms', integer(0, MAX_INT)], ['last_dseq', integer(0, MAX_INT)], ['rotations', list(text(0, 4096), 0, 64)], ['limits', view], ['media', view]],
  deliver: [['entries', list(unpackRow(delivered), 1, 1024), list(packRow(delivered), 1, 1024)]],
  withheld: [['entries', list(unpackRow(hidden), 1, 1024), list(packRow(hidden), 1, 1024)]],
  history_page: [['start_seq', integer(0, MAX_INT)], ['frontier', list(bytes(32, 32), 0, 64)], ['entries', list(unpackRow(delivered), 0, 1024), list(packRow(delivered), 0, 1024)], ['withheld', list(unpackRow(hidden), 0, 1024), list(packRow(hidden), 0, 1024)]],
  receipt: [['dseq', integer(1, MAX_INT)], ['seq', integer(0, MAX_INT)], ['leaf_hash', bytes(32, 32)], ['ts_ms', integer(0, MAX_INT)], ['attestation', unpackRow(attestation), packRow(attestation)]],
  refused: [['dseq', integer(1, MAX_INT)], ['code', text(1, 64, /^[a-z][a-z0-9_.]*(?!\n)$/)], ['detail', text(0, 1024)], ['ts_ms', integer(0, MAX_INT)], ['attestation', orNull(unpackRow(attestation)), orNull(packRow(attestation))]],
  busy: [['dseq', integer(1, MAX_INT)], ['retry_ms', integer(0, MAX_INT)]],
  checkpoint: [['note', text(1, 16384)], ['consistency', list(bytes(32, 32), 0, 128)]],
  answer: [['sdp', text(0, 65536)], ['slots', view]],
  slots: [['slots', view]],
  presence: [['slot', text(1, 32)], ['value', view]],
  lobby: [['view', view]],
  pong: [['n', integer(0, MAX_INT)], ['now_ms', integer(0, MAX_INT)]],
  closing: [['code', oneOf(4400, 4401, 4403, 4409, 4410, 4413, 4429, 4460, 4503)], ['detail', text(0, 1024)]],
};

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
