// One question: did the holder of this key sign these bytes? WebCrypto answers where it knows Ed25519 (Chrome 137,
// Safari 17, Firefox 129); elsewhere a small library is fetched, once, the first time it is needed.
import type { Bytes } from "./bytes";

let native: boolean | undefined;

export async function verifyEd25519(key: Uint8Array, signature: Uint8Array, text: Uint8Array): Promise<boolean> {
  if (signature.length !== 64 || key.length !== 32) return false;
  if (native !== false) {
    try {
      const imported = await crypto.subtle.importKey("raw", key as Bytes, { name: "Ed25519" }, false, ["verify"]);
      native = true;
      return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature as Bytes, text as Bytes);
    } catch (error) {
      if (native === true) throw error;
      native = false;
    }
  }
  const noble = await import("@noble/ed25519");
  return noble.verifyAsync(signature, text, key);
}
