// The lock file holds versions and integrity hashes and no address at all: a court's own mirror must be able to serve the
// same bytes, and a tracked file that names a host would tie the build to it. npm writes funding addresses; this takes them out.
import { readFileSync, writeFileSync } from "node:fs";

const path = new URL("../package-lock.json", import.meta.url);
const lock = JSON.parse(readFileSync(path, "utf8"));
for (const entry of Object.values(lock.packages)) {
  delete entry.funding;
  delete entry.resolved;
}
writeFileSync(path, JSON.stringify(lock, null, 2) + "\n");
