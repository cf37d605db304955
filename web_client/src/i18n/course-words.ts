// The words of a sitting's course: stages, suspension, adjournment, conversion, cancellation; part of the room's chunk.
import { course as en } from "./en/course";
import { catalog } from "./language";
import { course as zh } from "./zh/course";

export const courseWords = catalog(zh, en);
