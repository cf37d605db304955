// Files on the record, fetched by their commitment and checked against it before anybody looks: what does not open its
// commitment is not shown. Kept in memory for as long as the page lives.
import { signal, type Signal } from "@preact/signals";

import { ask } from "../../protocol/api";
import { equal, fromBase64, fromHex, toHex, type Bytes } from "../../record/bytes";
import { commitDigest } from "../../record/commitment";
import { digestOf } from "../../record/digest";
import type { Entry } from "../../state/sitting";
import type { Item } from "../../state/outbox";

export type Fetched =
  | { readonly kind: "not_yet" }
  | { readonly kind: "fetching" }
  | { readonly kind: "here"; readonly url: string; readonly checked: boolean }
  | { readonly kind: "failed" }
  | { readonly kind: "altered" };

/** What a message says about its file. */
export interface Attachment {
  readonly commit: Bytes;
  readonly salt: Bytes | null;
  readonly mime: string;
  readonly name: string;
  readonly size: number | null;
  readonly durationMs: number | null;
  readonly width: number | null;
  readonly height: number | null;
}

const known = new Map<string, Signal<Fetched>>();

export function attachmentOf(entry: Entry): Attachment | null {
  const digest = entry.leaf?.facts[0];
  if (entry.leaf === null || !/^(msg|statement)\./.test(entry.leaf.type) || !(digest instanceof Uint8Array) || digest.length !== 32) return null;
  return describe(digest, entry.words);
}

export function describe(digest: Uint8Array, words: Entry["words"]): Attachment {
  const text = (key: string): string => (typeof words?.[key] === "string" ? (words[key] as string) : "");
  const number = (key: string): number | null => (typeof words?.[key] === "number" ? (words[key] as number) : null);
  let salt: Bytes | null = null;
  try {
    if (text("salt") !== "") salt = fromBase64(text("salt"));
  } catch {
    salt = null;
  }
  return {
    commit: new Uint8Array(digest),
    salt,
    mime: text("mime"),
    name: text("name"),
    size: number("size"),
    durationMs: number("duration_ms"),
    width: number("width"),
    height: number("height"),
  };
}

export function blobSignal(commit: Uint8Array): Signal<Fetched> {
  const key = toHex(commit);
  let found = known.get(key);
  if (found === undefined) {
    found = signal<Fetched>({ kind: "not_yet" });
    known.set(key, found);
  }
  return found;
}

/** What this phone sends it need not fetch. */
export function keepOwn(item: Item): void {
  if (item.parcel === null) return;
  const state = blobSignal(item.parcel.commit);
  if (state.peek().kind !== "here") state.value = { kind: "here", url: URL.createObjectURL(item.parcel.data), checked: true };
}

/** Only types a browser shows without running anything: a page or a script sent as a "picture" stays a download. */
function safeType(mime: string): string {
  return /^(image\/(jpeg|png|webp|gif)|audio\/[\w.+-]+|video\/[\w.+-]+|application\/pdf)(;|$)/.test(mime) ? mime : "application/octet-stream";
}

export async function fetchBlob(streamHex: string, token: string, attachment: Attachment): Promise<void> {
  const state = blobSignal(attachment.commit);
  if (state.peek().kind === "here" || state.peek().kind === "fetching") return;
  state.value = { kind: "fetching" };
  try {
    const response = await ask(`/api/streams/${streamHex}/blobs/${toHex(attachment.commit)}`, { token });
    const said = response.headers.get("Palm-Salt");
    const salt = attachment.salt ?? (said === null ? null : fromHex(said));
    // As a Blob, which a browser may keep on its disk: a video need not fit into memory to be checked.
    const file = await response.blob();
    if (salt !== null && !equal(attachment.commit, await commitDigest(salt, await digestOf(file)))) {
      state.value = { kind: "altered" };
      return;
    }
    const url = URL.createObjectURL(new Blob([file], { type: safeType(attachment.mime) }));
    state.value = { kind: "here", url, checked: salt !== null };
  } catch {
    state.value = { kind: "failed" };
  }
}
