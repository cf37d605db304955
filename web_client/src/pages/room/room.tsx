// The courtroom. On a phone one column with everything under the thumb; on a desk the record in the middle and the people
// beside it. What the court does to a person (mute, floor, recess) is said in words, at once, aloud and on the screen.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";
import { witnessWords } from "../../i18n/witness-words";
import { person, words } from "../../i18n/words";
import { list } from "../../i18n/times";
import { isBench, isOutside } from "../../state/may";
import { seatOf, type RoomView, type Seat } from "../../state/view";
import { announce } from "../../ui/announce";
import { Icon } from "../../ui/icons";
import { CallCourt, Choices } from "../../ui/masthead";
import { Sheet } from "../../ui/sheet";
import { wide } from "../../ui/wide";
import { ActQuestion, Acts, perform, under } from "./acts";
import { Checklist } from "./checked";
import { Missed } from "./absence";
import { Composer } from "./composer";
import { TimerPill } from "./floor";
import { CourseNotice, CourseQuestion, StageState } from "./course";
import { ForkNotice } from "./fork";
import { here } from "./here";
import { Keys } from "./keys";
import { LeaveButton } from "./leave";
import { Asks, LinkNotice, OwnTrouble, ScreenGrant } from "./notices";
import { People } from "./people";
import { PleaList } from "./pleas";
import { SettingsButton, SettingsSheet } from "./settings";
import { watchSpeaking } from "./speaking";
import { LineState, PhaseState } from "./status";
import { Sound } from "./sound";
import { Stage } from "./tiles";
import { ChannelChooser, PrivateBanner, PrivateControls } from "./private";
import { OwnTestimony, swears } from "./testimony";
import { Timeline } from "./timeline";
import { who } from "./wording";

/** More people than this in the room, and everybody's picture is small. */
const CROWD = 6;

export function Room(): JSX.Element | null {
  const r = roomWords();
  const court = here();
  const { sitting } = court;
  const view = sitting.view.value;
  const me = sitting.me.value;
  const people = useSignal(false);
  const settings = useSignal(false);
  const search = useSignal<string | null>(null);
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => watchSpeaking(court), [court]);
  useEffect(fitScreen, []);
  const crowd = view === null ? 0 : view.seats.filter((seat) => seat.connected && seat.state === "admitted").length;
  useEffect(() => void court.peer.setCrowded(crowd > CROWD), [court, crowd > CROWD]);
  useAnnouncements(view, me?.slot ?? null);
  useEffect(() => {
    if (search.value === "") box.current?.focus();
  }, [search.value === null]);
  if (view === null || me === null) return null;
  const desk = wide.value;
  const hasPictures = view.phase === "checking_in" || view.phase === "open" || view.phase === "in_recess";
  const typing = [...sitting.live.value].filter(([slot, live]) => live.typing && slot !== me.slot).map(([slot]) => who(view, slot));
  return (
    <div class={`room ${desk ? "desk" : "palm"}`} data-testid="page-room" data-slot={me.slot}>
      <header class="status">
        <img src="/emblem.svg" alt={r.emblem} width={28} height={28} />
        <h1 class="case">{view.caseNumber}</h1>
        <PhaseState />
        <StageState />
        <span class="grow" />
        {desk && (
          <button type="button" class="button quiet icon-only" data-testid="search" aria-label={r.search} aria-pressed={search.value !== null} onClick={() => (search.value = search.value === null ? "" : null)}>
            <Icon name="search" />
          </button>
        )}
        {!desk && (
          <button type="button" class="button quiet icon-only" data-testid="people-open" aria-label={r.people} onClick={() => (people.value = true)}>
            <Icon name="people" />
          </button>
        )}
        {desk && <LeaveButton />}
      </header>
      <div class={`hall ${swears(view, me.slot) ? "swearing" : ""}`}>
        <LineState />
        <ForkNotice />
        <CourseNotice />
        <Restricted view={view} slot={me.slot} />
        <Sound />
        <LinkNotice />
        <OwnState view={view} slot={me.slot} />
        <Missed view={view} slot={me.slot} />
        <TimerPill />
        <PrivateBanner view={view} slot={me.slot} />
        <ChannelChooser view={view} slot={me.slot} />
        <OwnTestimony view={view} slot={me.slot} />
        <OwnTrouble />
        <ScreenGrant />
        <Asks />
        <PleaList />
        {!desk && <Waiting view={view} />}
        {hasPictures && <Stage wide={desk} />}
        {search.value !== null && (
          <div class="search-box">
            <label class="unseen" for="search-box">
              {r.search}
            </label>
            <input id="search-box" ref={box} type="search" data-testid="search-text" placeholder={r.search} value={search.value} onInput={(event) => (search.value = event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && (search.value = null)} />
            <button type="button" class="button" data-testid="search-close" onClick={() => (search.value = null)}>
              {r.close_sheet}
            </button>
          </div>
        )}
        <Timeline search={search.value ?? ""} />
        <p class="typing soft">{typing.length > 0 && r.typing(typing[0] ?? "")}</p>
        <Checklist />
        <PrivateControls view={view} slot={me.slot} />
        <Acts />
        <Composer wide={desk} />
      </div>
      {desk && (
        <aside>
          <People />
          <div class="row aside-end">
            <CallCourt phone={view.phone} />
            <SettingsButton open={() => (settings.value = true)} />
            <Choices />
          </div>
        </aside>
      )}
      {people.value && !desk && (
        <Sheet title={view.caseNumber} close={() => (people.value = false)} testid="people-sheet">
          <p class="soft">{view.cause}</p>
          <People />
          <div class="row">
            <button
              type="button"
              class="button"
              data-testid="search"
              onClick={() => {
                search.value = "";
                people.value = false;
              }}
            >
              <Icon name="search" />
              {r.search}
            </button>
            <SettingsButton
              open={() => {
                people.value = false;
                settings.value = true;
              }}
            />
            <LeaveButton />
          </div>
          <div class="row">
            <CallCourt phone={view.phone} />
            <Choices />
          </div>
          <button type="button" class="button wide" data-testid="people-close" onClick={() => (people.value = false)}>
            {r.close_sheet}
          </button>
        </Sheet>
      )}
      {settings.value && <SettingsSheet close={() => (settings.value = false)} />}
      <ActQuestion />
      <CourseQuestion />
      <Keys search={() => (search.value = search.value ?? "")} />
    </div>
  );
}

/** What the court has done to this person, as long as it holds. */
function OwnState({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const r = roomWords();
  const seat = seatOf(view, slot);
  if (seat === null) return null;
  const floor = view.phase === "open" && view.floor === slot;
  const muted = seat.muted && (view.phase === "checking_in" || view.phase === "open");
  if (!floor && !muted) return null;
  return (
    <p class={`own-state ${floor ? "good" : "wait"}`} data-testid="own-state">
      {muted ? r.bench_muted_you : r.floor_yours}
    </p>
  );
}

/** For a judge or clerk with a phone: who stands at the door, and one tap. */
function Waiting({ view }: { readonly view: RoomView }): JSX.Element | null {
  const r = roomWords();
  const { sitting } = here();
  const me = sitting.me.value;
  if (me === null || !isBench(me.role) || view.phase === "scheduled" || view.phase === "closed") return null;
  // Whoever has testified and is out waits for nothing (WI8).
  const waiting = view.seats.filter((seat) => seat.state === "waiting" && seat.connected && seat.stand !== "excluded");
  const w = witnessWords();
  const call = (seat: Seat): boolean => seat.stand === "waiting" && view.phase === "open";
  const calls = view.seats.some((seat) => seat.called);
  if (waiting.length === 0) return null;
  return (
    <ul class="door">
      {waiting.map((seat) => (
        <li key={seat.slot} class="at-door">
          <span class="grow">
            {person(seat.role, seat.name)} · {r.state["waiting"]}
          </span>
          {call(seat) && (
            <button type="button" class="button primary" data-testid={`door-call-${seat.slot}`} disabled={under("act.call", seat.slot)} onClick={() => perform("act.call", [seat.slot])}>
              {seat.role === "expert" ? w.call_expert : w.call}
            </button>
          )}
          {!(call(seat) && calls) && (
            <button type="button" class={`button ${call(seat) ? "" : "primary"}`} data-testid={`door-admit-${seat.slot}`} disabled={under("act.admit", seat.slot)} onClick={() => perform("act.admit", [seat.slot])}>
              {r.acts["act.admit"]}
            </button>
          )}
        </li>
      ))}
    </ul>
  );
}

/** A quiet bar for as long as a part is restricted: who may read it, or that this person may not. */
function Restricted({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element | null {
  const r = roomWords();
  if (view.restricted === null) return null;
  const outside = isOutside(view, slot);
  const inside = view.restricted.slots.map((each) => who(view, each));
  return (
    <p class="restricted-bar" role="status" data-testid="restricted" data-outside={outside ? "yes" : "no"}>
      <Icon name="lock" />
      <span>{outside ? r.restricted_out : r.restricted_in(list(inside))}</span>
    </p>
  );
}

/** The recess and the floor are said at once; who comes and goes, politely. */
function useAnnouncements(view: RoomView | null, slot: string | null): void {
  const r = roomWords();
  const was = useRef<RoomView | null>(null);
  useEffect(() => {
    const before = was.current;
    was.current = view;
    if (view === null || before === null || slot === null) return;
    if (before.phase !== view.phase) {
      announce(view.phase === "in_recess" ? r.recess : view.phase === "open" && before.phase === "in_recess" ? r.resumed : (words().phases[view.phase] ?? ""), true);
    }
    if (before.floor !== view.floor && view.floor !== null) announce(view.floor === slot ? r.floor_yours : r.floor_of(who(view, view.floor)), view.floor === slot);
    const mine = seatOf(view, slot);
    const mineBefore = seatOf(before, slot);
    if (mine !== null && mineBefore !== null && mine.muted !== mineBefore.muted) announce(mine.muted ? r.bench_muted_you : r.bench_unmuted_you, true);
  }, [view]);
}

/** The keyboard never covers the box: where it lies over the page (iOS), the room is as high as what is left. */
function fitScreen(): (() => void) | undefined {
  const visible = window.visualViewport;
  if (!visible) return undefined;
  const root = document.documentElement;
  const fit = (): void => {
    // Enlarged by two fingers the page is only looked at closer, not smaller.
    if (visible.scale > 1.01) return;
    root.style.setProperty("--screen", `${Math.round(visible.height)}px`);
    scrollTo(0, 0);
  };
  fit();
  visible.addEventListener("resize", fit);
  return () => {
    visible.removeEventListener("resize", fit);
    root.style.removeProperty("--screen");
  };
}
