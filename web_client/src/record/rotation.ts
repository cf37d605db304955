// The court changes its key, and a phone that kept the old one follows. **A newer key is taken only over an unbroken chain of
// scheduled changes**, each signed by the old key and the new one; a key that was lost or compromised cannot vouch for its
// successor, so the person is told and asks the court (FORMAT.md section 4.3).
import { equal } from "./bytes";
import { verifyEd25519 } from "./ed25519";
import { BadNote, openNote, parseVerifier } from "./note";

const TITLE = "palm/key-rotation/v1";

/** Do these notes, oldest first, lead from the kept key of this host to the one it uses now? */
export async function leadsTo(host: string, kept: Uint8Array, now: Uint8Array, rotations: readonly string[]): Promise<boolean> {
  let at = kept;
  for (const note of rotations) {
    if (equal(at, now)) return true;
    const step = await readRotation(host, note);
    if (step === null) return false;
    // Changes from before the kept key are history, and prove nothing here.
    if (equal(step.old, at)) {
      if (!step.scheduled) return false;
      at = step.next;
    }
  }
  return equal(at, now);
}

interface Step {
  readonly old: Uint8Array;
  readonly next: Uint8Array;
  readonly scheduled: boolean;
}

async function readRotation(host: string, note: string): Promise<Step | null> {
  try {
    const [title, name, oldKey = "", newKey = "", ms = "", why, end, ...rest] = note.slice(0, note.lastIndexOf("\n\n") + 1).split("\n");
    if (title !== TITLE || name !== host || end !== "" || rest.length > 0 || !/^\d+$/.test(ms)) return null;
    const old = await parseVerifier(oldKey);
    const next = await parseVerifier(newKey);
    const scheduled = why === "scheduled";
    if (old.name !== host || next.name !== host || (!scheduled && why !== "compromised" && why !== "lost")) return null;
    const opened = await openNote(note, [old, next], verifyEd25519);
    const signedBy = (key: typeof old): boolean => opened.signatures.some((each) => each.name === key.name && equal(each.bytes.slice(0, 4), key.keyId));
    if (!signedBy(next) || (scheduled && !signedBy(old))) return null;
    return { old: old.key, next: next.key, scheduled };
  } catch (error) {
    if (error instanceof BadNote || error instanceof RangeError) return null;
    throw error;
  }
}
