// The SHA-256 of a file of any size. WebCrypto wants all bytes at once, which for a video of 200 MB is more than an old
// phone gives a page; so what is large is read in pieces and hashed step by step by a small library, in a worker where there
// is one, fetched when the first large file comes.
import type { Bytes } from "./bytes";
import { sha256 } from "./commitment";

/** Up to this size WebCrypto is faster, and the copy is small. */
export const AT_ONCE = 8 * 1024 * 1024;

export type Progress = (share: number) => void;
export type FromWorker = { readonly share: number } | { readonly digest: Bytes } | { readonly failed: string };

/** Rejects when the file cannot be read any more: it was moved, or changed after it was chosen. */
export async function digestOf(file: Blob, progress: Progress = () => undefined): Promise<Bytes> {
  if (file.size <= AT_ONCE) return sha256(new Uint8Array(await file.arrayBuffer()));
  return typeof Worker === "undefined" ? inPieces(file, progress) : inWorker(file, progress);
}

async function inPieces(file: Blob, progress: Progress): Promise<Bytes> {
  return (await import("./digest-pieces")).inPieces(file, progress);
}

function inWorker(file: Blob, progress: Progress): Promise<Bytes> {
  let worker: Worker;
  try {
    worker = new Worker(new URL("./digest.worker.ts", import.meta.url), { type: "module" });
  } catch {
    return inPieces(file, progress);
  }
  return new Promise<Bytes>((resolve, reject) => {
    let heard = false;
    worker.onmessage = (event: MessageEvent<FromWorker>) => {
      heard = true;
      const said = event.data;
      if ("share" in said) progress(said.share);
      else if ("digest" in said) resolve(said.digest);
      else reject(new Error(said.failed));
    };
    // A browser without module workers, or a link that lost the worker's file: slower, but it goes on.
    worker.onerror = () => (heard ? reject(new Error("the worker ended")) : inPieces(file, progress).then(resolve, reject));
    worker.postMessage(file);
  }).finally(() => worker.terminate());
}
