// The words of captions and of a hearing in text; part of the room's chunk.
import { access as en } from "./en/access";
import { catalog } from "./language";
import { access as zh } from "./zh/access";

export const accessWords = catalog(zh, en);
