// Beside the record on a desk, in a sheet on a phone: the people, what is to be done next, the notes of the bench, the rooms. One tab at a time, so
// that nothing takes the record's place.
import { signal } from "@preact/signals";
import type { JSX } from "preact";

import { benchWords } from "../../i18n/bench-words";
import { isBench } from "../../state/may";
import type { RoomView } from "../../state/view";
import { Tabs } from "../../ui/tabs";
import { ConsolePanel } from "./console";
import { NotesPanel, unreadNotes } from "./notes";
import { People } from "./people";
import { RoomsPanel } from "./rooms-panel";

type Tab = "people" | "todo" | "rooms" | "notes";
const chosen = signal<Tab>("people");

interface Props {
  readonly view: RoomView;
  readonly slot: string;
  readonly role: string;
  readonly waiting: number;
}

export function Side({ view, slot, role, waiting }: Props): JSX.Element {
  const b = benchWords();
  if (!isBench(role)) return <People />;
  const now = chosen.value;
  const unread = now === "notes" ? 0 : unreadNotes();
  const tabs: readonly (readonly [Tab, string])[] = [
    ["people", b.tabs.people],
    ["todo", waiting > 0 ? b.tab_count(b.tabs.todo, waiting) : b.tabs.todo],
    ["notes", unread > 0 ? b.tab_count(b.tabs.notes, unread) : b.tabs.notes],
    ["rooms", view.privately.rooms.length > 0 ? b.tab_count(b.tabs.rooms, view.privately.rooms.length) : b.tabs.rooms],
  ];
  return (
    <Tabs label={b.panel} tabs={tabs} now={now} choose={(tab) => (chosen.value = tab)}>
      {now === "people" ? <People /> : now === "todo" ? <ConsolePanel view={view} slot={slot} /> : now === "notes" ? <NotesPanel view={view} /> : <RoomsPanel view={view} slot={slot} />}
    </Tabs>
  );
}
