// The bench's bar and side panel.
import type { BenchWords } from "../zh/bench";

export const bench: BenchWords = {
  give_floor: "Give the floor…",
  give_floor_short: "Floor",
  give_title: "Who is to speak",
  give_none: "Nobody can be given the floor now",
  give_to: (who) => `Give ${who} the floor`,
  hand: "hand up",
  next_stage: "Stage",
  order_short: "Rule / order",
  more: "More",
  more_title: "More acts",
  more_frequent: "Order in court",
  more_apart: "These end the sitting or change how it is held",
  close: "Close",
  acts: {
    floor_mode: (mode) => `How people speak: ${mode}`,
    mute_all: "Mute all",
    unmute_all: "Unmute all",
    restrict: "Restrict this part",
    public: "The public",
    asynchronous: "Proceed asynchronously",
  },
  adjourn: "Adjourn to another date",

  panel: "Side panel",
  tabs: { people: "Participants", todo: "To do", rooms: "Rooms", notes: "Notes" },
  tab_count: (name, n) => `${name} (${n})`,
  notes: {
    title: "Notes of the bench",
    only: "Only judges and the clerk can see this",
    about: "Notes are kept, but their words are in no transcript and no copy; everybody else sees only that there is an entry. Deliberate in the room for it.",
    none: "No notes yet.",
    write: "Write a note",
    send: "Send to the bench",
    sending: "sending",
    waits: "not delivered yet, will be sent again",
    refused: "not accepted",
    sealed: "It is sealed; no more notes.",
    came: (who: string) => `A note from ${who}`,
  },
};
