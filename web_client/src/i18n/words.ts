// The words of the entry pages, in both languages; part of the first load.
import { entry as en } from "./en/entry";
import { signal } from "@preact/signals";

import type { RoleNames } from "../state/view";
import { catalog, language } from "./language";
import { courtTime, ownTime } from "./times";
import { entry as zh } from "./zh/entry";

export const words = catalog(zh, en);

/** What the rules of the sitting that is shown call people: one procedure's plaintiff is another's appellant. */
export const called = signal<RoleNames>({});

/** 原告 / Plaintiff, as the sitting's own rules have it; an unknown role is shown as the court wrote it. */
export function roleName(role: string): string {
  return called.value[role]?.[language.value] ?? words().roles[role] ?? role;
}

/** People by role first, name second: 原告 张三. */
export function person(role: string, name: string): string {
  return name === "" ? roleName(role) : `${roleName(role)} ${name}`;
}

/** An instant inside a sentence: by the court's clock, and by the reader's where that is another. */
export function bothTimes(ms: number): string {
  const own = ownTime(ms);
  return own === null ? courtTime(ms) : `${courtTime(ms)} ${words().your_time(own)}`;
}
