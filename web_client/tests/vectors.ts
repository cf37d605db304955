// The vectors that Python wrote: one set of bytes, read by both languages.
import { readFileSync } from "node:fs";

export function vectors<T>(path: string): T {
  return JSON.parse(readFileSync(new URL(`../../tests/${path}`, import.meta.url), "utf8")) as T;
}

/** {"hex": "…"} becomes bytes, everywhere. */
export function withBytes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBytes);
  if (typeof value !== "object" || value === null) return value;
  const map = value as Record<string, unknown>;
  const keys = Object.keys(map);
  if (keys.length === 1 && keys[0] === "hex") return new Uint8Array(Buffer.from(map["hex"] as string, "hex"));
  return Object.fromEntries(keys.map((key) => [key, withBytes(map[key])]));
}
