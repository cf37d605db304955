// The words of addresses, notices and dates; part of the desk's chunk.
import { notices as en } from "./en/notices";
import { catalog } from "./language";
import { notices as zh } from "./zh/notices";

export const noticesWords = catalog(zh, en);
