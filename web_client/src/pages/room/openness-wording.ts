// The entries about the public as sentences (SPEC PU), grounds by the record's own names.
import { opennessWords } from "../../i18n/openness-words";
import { roomWords } from "../../i18n/room-words";
import { clock } from "../../i18n/times";
import type { Leaf } from "../../record/leaf";
import type { RoomView } from "../../state/view";
import { called } from "./course-wording";

/** Their line in the timeline; null for any other entry. */
export function opennessSentence(leaf: Leaf, actor: string, view: RoomView): string | null {
  const d = opennessWords().did;
  const [first, second, third] = leaf.facts;
  const time = (ms: unknown): string => (typeof ms === "number" ? clock(ms) : "");
  const by = (told: string): string => roomWords().by(actor, told);
  switch (leaf.type) {
    case "act.open_to_public":
      return by(d.open);
    case "act.end_public":
      return by(d.end);
    case "act.close_to_public":
      return by(d.close(called(view.openness.grounds, first)));
    case "act.lift_closing":
      return by(d.lift);
    case "act.hold_gallery":
      return by(d.hold);
    case "act.show_gallery":
      return by(d.show);
    case "gallery.count":
      return d.count(time(first), time(second), typeof third === "number" ? third : 0);
    default:
      return null;
  }
}
