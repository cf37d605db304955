// The words of phone notifications; part of the court's chunk.
import { ring as en } from "./en/ring";
import { catalog } from "./language";
import { ring as zh } from "./zh/ring";

export const ringWords = catalog(zh, en);
