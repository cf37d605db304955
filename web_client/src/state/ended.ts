// How a sitting stands that does not go on now, for those who are not of the bench: each has a page of its own, without the
// bar of a running hearing.
import { isBench } from "./may";
import type { RoomView } from "./view";

export type End = "adjourned" | "converted" | "cancelled" | "closed";

export function endOf(view: RoomView): End | null {
  if (view.phase === "adjourned") return "adjourned";
  if (view.phase !== "closed") return null;
  return view.course.ending ?? "closed";
}

/** Whoever waits has no role in what he is shown; the bench goes on working in the room. */
export function endFor(view: RoomView, role: string | null): End | null {
  return role !== null && isBench(role) ? null : endOf(view);
}
