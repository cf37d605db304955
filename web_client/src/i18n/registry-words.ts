// The words of the clerk's desk; part of its chunk.
import { registry as en } from "./en/registry";
import { catalog } from "./language";
import { registry as zh } from "./zh/registry";

export const registryWords = catalog(zh, en);
