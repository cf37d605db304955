// Whose key signs for whom, as the record itself says: `key.add` of the court enrols a key for a slot, the next one for that
// slot ends it. Read from the leaves that are here; for whoever came late an earlier enrolment is unknown, and is said so.
import { equal, type Bytes } from "./bytes";
import { COURT, keyIdOf, leafSignedBy } from "./csig";
import type { Leaf } from "./leaf";

interface Enrolment {
  readonly slot: string;
  readonly seq: number;
  readonly key: Bytes;
}

/** Whether a person's device signed an entry: "unknown" where its key was enrolled before what can be seen here. */
export type DeviceVerdict = "court" | "holds" | "differs" | "unknown";

export class Enrolled {
  private readonly all: Enrolment[] = [];

  constructor(leaves: Iterable<Leaf>) {
    for (const { type, actor, seq, facts } of leaves) {
      const [slot, key] = facts;
      if (type !== "key.add" || actor !== COURT || typeof slot !== "string" || !(key instanceof Uint8Array) || key.length !== 32) continue;
      this.all.push({ slot, seq, key: new Uint8Array(key) });
    }
  }

  /** The key that signs for this slot just before the entry `seq`. */
  at(slot: string, seq: number): Bytes | null {
    let found: Bytes | null = null;
    for (const each of this.all) if (each.slot === slot && each.seq < seq) found = each.key;
    return found;
  }

  /** Each slot with its last key, in the order in which the slots were first enrolled. */
  last(): ReadonlyMap<string, Bytes> {
    return new Map(this.all.map(({ slot, key }) => [slot, key]));
  }

  /** `whole`: nothing before the first leaf given here is missing, so a key that is not here was never enrolled. */
  async verdict(leaf: Leaf, whole: boolean): Promise<DeviceVerdict> {
    if (leaf.actor === COURT) return leaf.csig === null && leaf.deviceKeyId === null ? "court" : "differs";
    const key = this.at(leaf.actor, leaf.seq);
    if (key === null) return whole ? "differs" : "unknown";
    if (leaf.deviceKeyId === null || !equal(leaf.deviceKeyId, await keyIdOf(key))) return "differs";
    return (await leafSignedBy(leaf, key)) ? "holds" : "differs";
  }
}
