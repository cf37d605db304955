// A court's key for tests: it signs checkpoints and answers as the real one does, from the same formats.
import { getPublicKeyAsync, signAsync } from "@noble/ed25519";

import { concat, toBase64, toHex, utf8, type Bytes } from "../src/record/bytes";
import { sha256 } from "../src/record/commitment";
import type { Attestation } from "../src/record/attest";
import type { Fork, KeptReceipt, WitnessStore } from "../src/state/witness";
import type { Head } from "../src/record/kept";
import { hashLeaf } from "../src/record/tree";

export class SigningCourt {
  private constructor(
    private readonly secret: Bytes,
    readonly key: Bytes,
  ) {}

  static async of(seed = 7): Promise<SigningCourt> {
    const secret = new Uint8Array(32).fill(seed);
    return new SigningCourt(secret, (await getPublicKeyAsync(secret)) as Bytes);
  }

  async vkey(name: string): Promise<string> {
    const typed = concat(new Uint8Array([1]), this.key);
    return `${name}+${toHex((await sha256(concat(utf8(`${name}\n`), typed))).slice(0, 4))}+${toBase64(typed)}`;
  }

  /** A signed note over this text, under this name. */
  async line(text: string, name: string): Promise<string> {
    const id = (await sha256(concat(utf8(`${name}\n`), new Uint8Array([1]), this.key))).slice(0, 4);
    return `— ${name} ${toBase64(concat(id, await signAsync(utf8(text), this.secret)))}\n`;
  }

  async checkpoint(origin: string, size: number, root: Uint8Array): Promise<string> {
    const body = `${origin}\n${size}\n${toBase64(root)}\n`;
    return `${body}\n${await this.line(body, origin)}`;
  }

  /** An answer that was alone in its moment. */
  async attest(statement: Uint8Array): Promise<Attestation> {
    const root = await hashLeaf(statement);
    return { place: 0, size: 1, path: [], signature: await signAsync(concat(utf8("palm/attest/v1\0"), root), this.secret) };
  }
}

/** What a browser keeps, in memory. */
export class MemoryRecord implements WitnessStore {
  heads = new Map<string, Head>();
  kept: KeptReceipt[] = [];
  forks = new Map<string, Fork>();
  courts = new Map<string, Bytes>();
  head = (origin: string): Promise<Head | null> => Promise.resolve(this.heads.get(origin) ?? null);
  keepHead = (head: Head): Promise<void> => Promise.resolve(void this.heads.set(head.origin, head));
  receipts = (origin: string): Promise<readonly KeptReceipt[]> => Promise.resolve(this.kept.filter((each) => each.origin === origin));
  keepReceipt = (receipt: KeptReceipt): Promise<void> => Promise.resolve(void this.kept.push(receipt));
  fork = (origin: string): Promise<Fork | null> => Promise.resolve(this.forks.get(origin) ?? null);
  keepFork = (fork: Fork): Promise<void> => Promise.resolve(void this.forks.set(fork.origin, fork));
  courtKey = (host: string): Promise<Bytes | null> => Promise.resolve(this.courts.get(host) ?? null);
  keepCourtKey = (host: string, key: Bytes): Promise<void> => Promise.resolve(void this.courts.set(host, key));
}
