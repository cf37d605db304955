// RFC 6962 section 2.1.2, as the court makes it; a phone only checks.
import { rootOf } from "../src/record/tree";

export async function consistency(old: number, leaves: readonly Uint8Array[]): Promise<Uint8Array[]> {
  return old === leaves.length ? [] : sub(old, leaves, true);
}

async function sub(m: number, leaves: readonly Uint8Array[], complete: boolean): Promise<Uint8Array[]> {
  if (m === leaves.length) return complete ? [] : [await rootOf(leaves)];
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  if (m <= k) return [...(await sub(m, leaves.slice(0, k), complete)), await rootOf(leaves.slice(k))];
  return [...(await sub(m - k, leaves.slice(k), false)), await rootOf(leaves.slice(0, k))];
}
