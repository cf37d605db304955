// The words of the courtroom; part of the room's chunk.
import { room as en } from "./en/room";
import { catalog } from "./language";
import { room as zh } from "./zh/room";

export const roomWords = catalog(zh, en);
