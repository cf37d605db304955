// A fork as a file that a person takes away: to the court, to a lawyer, to `palmcourt fsck --against`.
import type { Fork } from "../../state/witness";

/** Both notes as they came, to the byte, with what a stranger needs to know around them. */
export function evidence(fork: Fork): string {
  const rule = (title: string): string => `----- ${title} -----\n`;
  return [
    "Two statements of one court that cannot both be true.\n",
    `record: ${fork.origin}\nfound: ${new Date(fork.atMs).toISOString()}\nreason: ${fork.why}\ncourt key: ${fork.vkey}\n\n`,
    rule("kept before"),
    fork.head?.note ?? "",
    rule("shown afterwards"),
    fork.came,
    fork.came.endsWith("\n") ? "" : "\n",
    rule("end"),
  ].join("");
}
