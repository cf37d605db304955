// Node's WebCrypto as a stranger's phone: nothing of the project, only the statements of FORMAT.md as JSON on standard input.
// Each row: an Ed25519 signature over a message, or an RFC 6962 path; out goes a list of booleans.
import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

const { subtle } = webcrypto, bytes = (hex) => Buffer.from(hex, "hex");
const hash = async (...parts) => Buffer.from(await subtle.digest("SHA-256", Buffer.concat(parts)));

async function signed({ key, signature, message }) {
  const imported = await subtle.importKey("raw", bytes(key), "Ed25519", false, ["verify"]);
  return subtle.verify("Ed25519", imported, bytes(signature), bytes(message));
}

/** RFC 9162 §2.1.3.2, recursively from the top: the last of the path belongs to the root. */
async function rootOf(leaf, index, size, path) {
  if (size === 1) return path.length ? null : leaf;
  let half = 1;
  while (half * 2 < size) half *= 2;
  const rest = path.slice(0, -1), last = path[path.length - 1];
  if (last === undefined) return null;
  const below = index < half ? await rootOf(leaf, index, half, rest) : await rootOf(leaf, index - half, size - half, rest);
  return below && (index < half ? hash(Buffer.of(1), below, last) : hash(Buffer.of(1), last, below));
}

async function included({ leaf, index, size, path, root }) {
  const found = await rootOf(await hash(Buffer.of(0), bytes(leaf)), index, size, path.map(bytes));
  return found !== null && found.equals(bytes(root));
}

const rows = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(await Promise.all(rows.map((row) => (row.path ? included(row) : signed(row))))));
