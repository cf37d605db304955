// The words of private rooms and interpretation; part of the room's chunk.
import { privately as en } from "./en/private";
import { catalog } from "./language";
import { privately as zh } from "./zh/private";

export const privateWords = catalog(zh, en);
