// What is asked of the court. An act goes the same way as a word: it is "sending" until it is on the record. Before what
// cannot be undone a question is asked first (act-questions.tsx).
import { signal } from "@preact/signals";

import type { Argument } from "../../protocol/frames.gen";
import { here } from "./here";

export type Question = { readonly act: "act.recess" | "act.close" | "act.propose_seal" | "act.seal" | "act.restrict" | "act.gallery_delay" } | { readonly act: "act.open" } | { readonly act: "act.remove"; readonly slot: string };

/** The one question that may be open. */
export const question = signal<Question | null>(null);

/** Which sheet of the bench is open. */
export const sheet = signal<"give" | "more" | "floor" | "order" | "public" | "asynchronous" | null>(null);

/** Asks the court for an act. A reason, where one was given, goes on the record with it. */
export function perform(command: string, args: readonly Argument[] = [], reason = ""): void {
  const given = reason.trim();
  void here().sitting.say(given === "" ? { command, args } : { command, args, content: { reason: given } });
}

export function askRemove(slot: string): void {
  question.value = { act: "act.remove", slot };
}

/** True while this very act is on its way: a second tap would only be refused. */
export function under(command: string, arg?: string): boolean {
  return here().sitting.outbox.items.value.some(
    (item) => item.command === command && (item.state === "waiting" || item.state === "recorded") && (arg === undefined || item.args[0] === arg),
  );
}
