// What this browser keeps between pages: for each seat a device identity and its counter, what is not yet delivered, and
// the link last used. A seat, not a browser, has the identity: two cases on one phone can never be joined by it.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { TicketInfo } from "../protocol/api";
import { random, type Bytes } from "../record/bytes";
import type { Item, OutboxStore } from "./outbox";
import type { Identity } from "./sitting";

interface SeatRow {
  readonly streamKey: string;
  readonly device: Bytes;
  readonly secret: Bytes;
  readonly dseq: number;
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Item; indexes: { streamKey: string } };
  seats: { key: string; value: SeatRow };
  kept: { key: string; value: string };
}

let opened: Promise<IDBPDatabase<Schema>> | undefined;

function db(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>("palmcourt", 1, {
    upgrade(database) {
      database.createObjectStore("outbox", { keyPath: "id", autoIncrement: true }).createIndex("streamKey", "streamKey");
      database.createObjectStore("seats", { keyPath: "streamKey" });
      database.createObjectStore("kept");
    },
  });
  return opened;
}

/** The same for ever for this seat on this browser; made on first use. */
export async function identityOf(streamKey: string): Promise<Identity> {
  const tx = (await db()).transaction("seats", "readwrite");
  let row = await tx.store.get(streamKey);
  if (row === undefined) {
    row = { streamKey, device: random(16), secret: random(32), dseq: 0 };
    await tx.store.put(row);
  }
  await tx.done;
  return { device: row.device, secret: row.secret };
}

export const outboxStore: OutboxStore = {
  async all(streamKey) {
    return (await db()).getAllFromIndex("outbox", "streamKey", streamKey);
  },
  async add(item) {
    const id = await (await db()).add("outbox", item as Item);
    return { ...item, id };
  },
  async put(item) {
    await (await db()).put("outbox", item);
  },
  async remove(id) {
    await (await db()).delete("outbox", id);
  },
  async nextDseq(streamKey, floor) {
    const tx = (await db()).transaction("seats", "readwrite");
    const row = await tx.store.get(streamKey);
    if (row === undefined) throw new Error("this seat has no identity yet");
    const dseq = Math.max(row.dseq, floor) + 1;
    await tx.store.put({ ...row, dseq });
    await tx.done;
    return dseq;
  },
};

/** How many items of this seat wait here for the court. */
export async function waitingOf(streamKey: string): Promise<number> {
  try {
    return (await outboxStore.all(streamKey)).filter((item) => item.state === "waiting" || item.state === "uploading").length;
  } catch {
    return 0;
  }
}

const TAB = "palm.link";

export interface Link {
  readonly door: "j" | "r";
  readonly ticket: string;
  /** The person has tapped Enter in this tab: a reload goes straight back in. */
  readonly entered: boolean;
  /** What it opened when it was last read: a page reloaded in a tunnel still shows where it is. */
  readonly info?: TicketInfo;
}

/** The link lives in this tab, and as the last one used, for a page that the phone threw away. Never in the address bar. */
export function keepLink(link: Link): void {
  const text = JSON.stringify(link);
  try {
    sessionStorage.setItem(TAB, text);
  } catch {
    // a private window without storage lives until its reload
  }
  void db()
    .then((database) => database.put("kept", text, TAB))
    .catch(() => undefined);
}

export async function keptLink(): Promise<Link | null> {
  let text: string | null | undefined = null;
  try {
    text = sessionStorage.getItem(TAB);
  } catch {
    text = null;
  }
  if (text === null) {
    try {
      text = await (await db()).get("kept", TAB);
      // Another tab's going in is not this tab's: here the person taps Enter first.
      if (text !== undefined) text = JSON.stringify({ ...(JSON.parse(text) as Link), entered: false });
    } catch {
      text = null;
    }
  }
  if (text === null || text === undefined) return null;
  try {
    const link = JSON.parse(text) as Link;
    return (link.door === "j" || link.door === "r") && typeof link.ticket === "string" ? link : null;
  } catch {
    return null;
  }
}

export function forgetEntered(): void {
  try {
    const text = sessionStorage.getItem(TAB);
    if (text !== null) sessionStorage.setItem(TAB, JSON.stringify({ ...(JSON.parse(text) as Link), entered: false }));
  } catch {
    // nothing kept, nothing to forget
  }
}
