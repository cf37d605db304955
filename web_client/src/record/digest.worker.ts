// Hashes one file off the page's thread: a Blob in, shares and then the digest out. See digest.ts.
import type { FromWorker } from "./digest";
import { inPieces } from "./digest-pieces";

interface Here {
  onmessage: ((event: MessageEvent<Blob>) => void) | null;
  postMessage(said: FromWorker): void;
}

const here = self as unknown as Here;
here.onmessage = (event) => {
  inPieces(event.data, (share) => here.postMessage({ share })).then(
    (digest) => here.postMessage({ digest }),
    (error: unknown) => here.postMessage({ failed: error instanceof Error ? error.message : "" }),
  );
};
