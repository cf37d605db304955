// The words of the gallery; part of its own chunk.
import { gallery as en } from "./en/gallery";
import { catalog } from "./language";
import { gallery as zh } from "./zh/gallery";

export const galleryWords = catalog(zh, en);
