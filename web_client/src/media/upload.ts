// Files travel by tus 1.0: a place is made once, pieces follow, and after any break HEAD says how far it got. A place is
// named by the file's salted commitment and the court checks the bytes against it, so a lie or a broken piece is found
// before the file can be spoken of.
import { sha256 } from "../record/commitment";
import { toBase64, toHex, utf8 } from "../record/bytes";
import { Rejected, type Item, type Parcel } from "../state/outbox";

const TUS = { "Tus-Resumable": "1.0.0" };
const PIECE = 256 * 1024;

export interface UploadPorts {
  /** The bearer token now; null while the line is down. */
  token(): string | null;
  fetch(path: string, init: RequestInit): Promise<Response>;
}

class Interrupted extends Error {}

function finalProblem(status: number): boolean {
  return status === 400 || status === 403 || status === 413 || status === 415 || status === 460;
}

async function codeOf(response: Response): Promise<string> {
  try {
    const body = (await response.json()) as { code?: unknown };
    if (typeof body.code === "string") return body.code;
  } catch {
    // the status has to do
  }
  return response.status === 413 ? "too_large" : response.status === 460 ? "altered" : "malformed";
}

export function uploader(ports: UploadPorts) {
  const go = async (path: string, method: string, headers: Record<string, string>, body?: Blob): Promise<Response> => {
    const token = ports.token();
    if (token === null) throw new Interrupted("no session");
    return ports.fetch(path, { method, headers: { ...TUS, Authorization: `Bearer ${token}`, ...headers }, ...(body === undefined ? {} : { body }) });
  };

  return async (_item: Item, parcel: Parcel, progress: (share: number) => void, keep: () => Promise<void>): Promise<void> => {
    const size = parcel.data.size;
    let offset = 0;
    if (parcel.url !== null) {
      const head = await go(parcel.url, "HEAD", {});
      if (head.ok) offset = Number(head.headers.get("Upload-Offset"));
      else if (head.status === 404 || head.status === 410) parcel.url = null; // it expired: begin again
      else throw new Interrupted(String(head.status));
    }
    if (parcel.url === null) {
      const metadata = `commit ${toBase64(utf8(toHex(parcel.commit)))},salt ${toBase64(parcel.salt)}`;
      const made = await go("/api/uploads", "POST", { "Upload-Length": String(size), "Upload-Metadata": metadata });
      const place = made.headers.get("Location");
      if (made.status === 409) {
        progress(1); // these very bytes are there already
        return;
      }
      if (!made.ok || place === null) {
        if (finalProblem(made.status)) throw new Rejected(await codeOf(made), String(made.status));
        throw new Interrupted(String(made.status));
      }
      parcel.url = new URL(place, location.href).pathname;
      offset = 0;
      await keep();
    }
    progress(size === 0 ? 1 : offset / size);
    while (offset < size) {
      const piece = parcel.data.slice(offset, offset + PIECE);
      const digest = await sha256(new Uint8Array(await piece.arrayBuffer()));
      const sent = await go(
        parcel.url,
        "PATCH",
        {
          "Content-Type": "application/offset+octet-stream",
          "Upload-Offset": String(offset),
          "Upload-Checksum": `sha256 ${toBase64(digest)}`,
        },
        piece,
      );
      if (sent.status === 409) throw new Interrupted("another offset"); // HEAD will tell the right one
      if (!sent.ok) {
        if (sent.status === 404 || sent.status === 410) parcel.url = null;
        else if (finalProblem(sent.status)) throw new Rejected(await codeOf(sent), String(sent.status));
        throw new Interrupted(String(sent.status));
      }
      offset = Number(sent.headers.get("Upload-Offset"));
      progress(offset / size);
    }
    progress(1);
  };
}
