// The words of the asynchronous sitting; part of the room's chunk, for the record tells of it.
import { catalog } from "./language";
import { windows as en } from "./en/windows";
import { windows as zh } from "./zh/windows";

export const windowsWords = catalog(zh, en);
