// The check of verify.html, taken out of the page as it is and run in Node: a bag's path and a key a line, a report a line.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { webcrypto } from "node:crypto";
import { runInThisContext } from "node:vm";

globalThis.crypto ??= webcrypto;
const [, core] = /<script id="core">([^]*?)<\/script>/.exec(readFileSync(process.argv[2], "utf8"));
runInThisContext(`${core}\nObject.assign(globalThis, { Check, report, Keys, CODES, decode, hex, unhex, Malformed, utf8, readProof, readNote, included, sha, vkey, certificatesOf });`);

function files(top, below = "", into = new Map()) {
  for (const each of readdirSync(join(top, below), { withFileTypes: true })) {
    const name = below + each.name;
    if (each.isDirectory()) files(top, `${name}/`, into);
    else if (each.isFile()) into.set(name, new Blob([readFileSync(join(top, name))]));
  }
  return into;
}

const asked = {
  bag: async ({ path, key, ca, tsa, pure }) => report(await new Check(files(path), `${key ?? ""}\n${ca ?? ""}`.trim(), tsa ?? "", () => {}, pure).run(), 1),
  signatures: async ({ of, pure }) => {
    const keys = new Keys(pure), held = [];
    for (const each of of) held.push(await keys.holds(unhex(each.public_key), unhex(each.signature), unhex(each.message)));
    return held;
  },
  leaves: ({ of }) => of.map((each) => {
    try {
      decode(unhex(each));
      return true;
    } catch (error) {
      if (error instanceof Malformed) return false;
      throw error;
    }
  }),
  stamp: async ({ files: given, tsa }) => {
    const names = Object.keys(given).map((name) => `data/register/${name}`), found = Object.values(given).map((each) => new Blob([unhex(each)]));
    const check = new Check(new Map(names.map((name, i) => [name, found[i]])), "", tsa, () => {});
    names.forEach((name) => check.names.add(name));
    check.stampers = certificatesOf(tsa);
    const ms = await check.stamp("data/register/", null, 1);
    return { ms, codes: check.found.map(({ code }) => code) };
  },
  codes: () => Object.fromEntries(Object.entries(CODES).map(([code, [kind, zh, en]]) => [code, [kind, zh, en]])),
};
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...how } = JSON.parse(line);
  process.stdout.write(`${JSON.stringify(await asked[ask](how))}\n`);
}
