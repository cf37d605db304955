// The words of whoever testifies, and of the bench about him; part of the room's chunk.
import { witness as en } from "./en/witness";
import { catalog } from "./language";
import { witness as zh } from "./zh/witness";

export const witnessWords = catalog(zh, en);
