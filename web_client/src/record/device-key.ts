// The key of one seat on one device. It is made here and its private half is never seen: not by a script of this page, not
// by the court. Where WebCrypto knows Ed25519 the browser itself keeps it, non-extractable. Where it does not (Chrome before
// 137, many web views inside other apps), a small library signs, and the 32 secret bytes lie in this browser's IndexedDB:
// whoever can read that storage could then sign as this person. That is said in the threat model, and is still better than
// acts that nobody signs.
import { random, type Bytes } from "./bytes";
import { keyIdOf } from "./csig";

/** A key as it is kept. A CryptoKey goes into IndexedDB as a handle; its bytes do not. */
export type KeptKey =
  | { readonly kind: "native"; readonly publicKey: Bytes; readonly privateKey: CryptoKey }
  | { readonly kind: "library"; readonly publicKey: Bytes; readonly secret: Bytes };

export interface DeviceKey {
  readonly publicKey: Bytes;
  /** What the record calls it. */
  readonly id: Bytes;
  sign(text: Uint8Array): Promise<Bytes>;
}

const ED25519 = { name: "Ed25519" };

async function makeNative(): Promise<KeptKey | null> {
  try {
    const pair = (await crypto.subtle.generateKey(ED25519, false, ["sign", "verify"])) as CryptoKeyPair;
    const publicKey = new Uint8Array(await crypto.subtle.exportKey("raw", pair.publicKey));
    return { kind: "native", publicKey, privateKey: pair.privateKey };
  } catch {
    return null; // this browser does not know Ed25519
  }
}

async function makeByLibrary(): Promise<KeptKey> {
  const noble = await import("@noble/ed25519");
  const secret = random(32);
  return { kind: "library", publicKey: (await noble.getPublicKeyAsync(secret)) as Bytes, secret };
}

/** A new key. `native: false` is for tests of browsers that lack it. */
export async function makeKey(native = true): Promise<KeptKey> {
  return (native ? await makeNative() : null) ?? makeByLibrary();
}

export async function deviceKey(kept: KeptKey): Promise<DeviceKey> {
  return {
    publicKey: kept.publicKey,
    id: await keyIdOf(kept.publicKey),
    async sign(text) {
      if (kept.kind === "native") return new Uint8Array(await crypto.subtle.sign(ED25519, kept.privateKey, text as Bytes));
      const noble = await import("@noble/ed25519");
      return (await noble.signAsync(text, kept.secret)) as Bytes;
    },
  };
}
