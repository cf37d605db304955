// What this browser keeps between pages: for each seat a device key and its counter, what is not yet delivered, what this
// phone witnessed, and the link last used. A seat, not a browser, has the key: two cases on one phone can never be joined by
// it. Whoever clears the browser's data loses the key, and the clerk must allow a new one.
import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { TicketInfo } from "../protocol/api";
import { random, type Bytes } from "../record/bytes";
import { deviceKey, makeKey, type KeptKey } from "../record/device-key";
import type { Head } from "../record/kept";
import type { Item, OutboxStore } from "./outbox";
import type { Identity } from "./sitting";
import type { Fork, KeptReceipt, WitnessStore } from "./witness";

interface SeatRow {
  readonly streamKey: string;
  readonly key: KeptKey;
  readonly secret: Bytes;
  readonly dseq: number;
}

interface Schema extends DBSchema {
  outbox: { key: number; value: Item; indexes: { streamKey: string } };
  seats: { key: string; value: SeatRow };
  kept: { key: string; value: string };
  heads: { key: string; value: Head };
  receipts: { key: [string, number]; value: KeptReceipt };
  forks: { key: string; value: Fork };
  courts: { key: string; value: Bytes };
}

let opened: Promise<IDBPDatabase<Schema>> | undefined;

function db(): Promise<IDBPDatabase<Schema>> {
  opened ??= openDB<Schema>("palmcourt", 2, {
    upgrade(database) {
      // What an unfinished version kept has no keys, and nobody's record rests on it.
      for (const name of Array.from(database.objectStoreNames)) database.deleteObjectStore(name);
      database.createObjectStore("outbox", { keyPath: "id", autoIncrement: true }).createIndex("streamKey", "streamKey");
      database.createObjectStore("seats", { keyPath: "streamKey" });
      database.createObjectStore("kept");
      database.createObjectStore("heads", { keyPath: "origin" });
      database.createObjectStore("receipts", { keyPath: ["origin", "seq"] });
      database.createObjectStore("forks", { keyPath: "origin" });
      database.createObjectStore("courts");
    },
  });
  return opened;
}

/** The same for ever for this seat on this browser; made on first use. */
export async function identityOf(streamKey: string): Promise<Identity> {
  const database = await db();
  let row = await database.get("seats", streamKey);
  if (row === undefined) {
    // The key is made outside of the transaction, which would end while waiting for it; whoever is second takes the first's.
    const made: SeatRow = { streamKey, key: await makeKey(), secret: random(32), dseq: 0 };
    const tx = database.transaction("seats", "readwrite");
    row = (await tx.store.get(streamKey)) ?? made;
    if (row === made) await tx.store.put(made);
    await tx.done;
    // Asked once: a browser that needs room then takes others' data first. Refused, nothing changes.
    void navigator.storage?.persist?.().catch(() => undefined);
  }
  return { key: await deviceKey(row.key), secret: row.secret };
}

export const outboxStore: OutboxStore = {
  async all(streamKey) {
    return (await db()).getAllFromIndex("outbox", "streamKey", streamKey);
  },
  async add(item) {
    const database = await db();
    const id = await database.add("outbox", item as Item);
    // A chosen file may change or go away; what lies in the database does not.
    return (await database.get("outbox", id)) ?? { ...item, id };
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

export const witnessStore: WitnessStore = {
  async head(origin) {
    return (await (await db()).get("heads", origin)) ?? null;
  },
  async keepHead(head) {
    await (await db()).put("heads", head);
  },
  async receipts(origin) {
    return (await db()).getAll("receipts", IDBKeyRange.bound([origin, 0], [origin, Infinity]));
  },
  async keepReceipt(receipt) {
    await (await db()).put("receipts", receipt);
  },
  async fork(origin) {
    return (await (await db()).get("forks", origin)) ?? null;
  },
  async keepFork(fork) {
    await (await db()).put("forks", fork);
  },
  async courtKey(host) {
    return (await (await db()).get("courts", host)) ?? null;
  },
  async keepCourtKey(host, key) {
    await (await db()).put("courts", key, host);
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

const DESK = "palm.desk";

/** The desk that this tab came from: a clerk in a courtroom goes on seeing the other hearings. */
export function keepDesk(ticket: string): void {
  try {
    sessionStorage.setItem(DESK, ticket);
  } catch {
    // then the board is seen from the desk alone
  }
}

export function keptDesk(): string | null {
  try {
    return sessionStorage.getItem(DESK);
  } catch {
    return null;
  }
}

const BENCH_LINK = "palm.bench/";

/** The link by which this browser went into a hearing as one of its bench; it opens nothing on another device. */
export async function keepBenchLink(stream: string, ticket: string): Promise<void> {
  await (await db()).put("kept", ticket, BENCH_LINK + stream);
}

export async function benchLink(stream: string): Promise<string | null> {
  return (await (await db()).get("kept", BENCH_LINK + stream)) ?? null;
}
