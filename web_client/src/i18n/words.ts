// The words of the entry pages, in both languages; part of the first load.
import { entry as en } from "./en/entry";
import { catalog } from "./language";
import { entry as zh } from "./zh/entry";

export const words = catalog(zh, en);

/** 原告 / Plaintiff; an unknown role is shown as the court wrote it. */
export function roleName(role: string): string {
  return words().roles[role] ?? role;
}

/** People by role first, name second: 原告 张三. */
export function person(role: string, name: string): string {
  return name === "" ? roleName(role) : `${roleName(role)} ${name}`;
}
