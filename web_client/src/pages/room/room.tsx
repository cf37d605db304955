// The courtroom. On a phone one column with everything under the thumb; on a desk the record in the middle and the people
// beside it. This file says only what stands where; what each part shows is its own.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";

import { benchWords } from "../../i18n/bench-words";
import { roomWords } from "../../i18n/room-words";
import { waitingFor } from "../../state/console";
import { isBench } from "../../state/may";
import type { RoomView } from "../../state/view";
import { inText, signed } from "../../ui/access";
import { CueBanner } from "../../ui/cue";
import { Icon } from "../../ui/icons";
import { CallCourt, Choices } from "../../ui/masthead";
import { Sheet } from "../../ui/sheet";
import { wide } from "../../ui/wide";
import { OtherHearings } from "../console/others";
import { Missed } from "./absence";
import { ActBar, BenchSheets } from "./act-bar";
import { ActQuestion } from "./act-questions";
import { CaptionStrip } from "./captions";
import { ChannelBar } from "./channels";
import { Checklist } from "./checked";
import { Composer } from "./composer";
import { CourseNotice, CourseQuestion } from "./course";
import { Door } from "./door";
import { fitScreen, low } from "./fit";
import { TimerPill } from "./floor";
import { ForkNotice } from "./fork";
import { Header } from "./header";
import { here } from "./here";
import { Keys } from "./keys";
import { LeaveButton } from "./leave";
import { unreadNotes, useNotes } from "./notes";
import { Asks, LinkNotice, OwnTrouble, ScreenGrant } from "./notices";
import { OwnAnswers } from "./own-answers";
import { PleaList } from "./pleas";
import { PrivateBanner } from "./private-banner";
import { PublicBar, Unheard } from "./public";
import { RoomAsks } from "./rooms-panel";
import { SearchBox } from "./search";
import { SettingsButton, SettingsSheet } from "./settings";
import { Side } from "./side";
import { Sound } from "./sound";
import { watchSpeaking } from "./speaking";
import { Stage } from "./stage";
import { LineState } from "./status";
import { OwnTestimony, swears } from "./testimony";
import { Timeline } from "./timeline";
import { AsynchronousSheet, WindowsHere } from "./windows";
import { OwnState, Restricted, useAnnouncements } from "./told";
import { who } from "./wording";
import { onPage } from "../../ui/routes";

/** More people than this in the room, and everybody's picture is small. */
const CROWD = 6;

export function Room(): JSX.Element | null {
  const r = roomWords();
  const court = here();
  const { sitting } = court;
  const view = sitting.view.value;
  const me = sitting.me.value;
  const settings = useSignal(false);
  const people = useSignal(false);
  const search = useSignal<string | null>(null);
  useEffect(() => watchSpeaking(court), [court]);
  useEffect(fitScreen, []);
  const crowd = view === null ? 0 : view.seats.filter((seat) => seat.connected && seat.state === "admitted").length;
  useEffect(() => void court.peer.setCrowded(crowd > CROWD), [court, crowd > CROWD]);
  useAnnouncements(view, me?.slot ?? null);
  useNotes(view, isBench(me?.role ?? ""));
  const signer = view?.privately.signer ?? null;
  useEffect(() => void (signed.value = signer !== null), [signer]);
  if (view === null || me === null) return null;
  const desk = wide.value;
  const { slot } = me;
  const apart = view.form.asynchronous;
  const hasPictures = !apart && (view.phase === "checking_in" || view.phase === "open" || view.phase === "in_recess");
  const typing = [...sitting.live.value].filter(([each, live]) => live.typing && each !== slot).map(([each]) => each);
  const waiting = isBench(me.role) ? waitingFor(view, sitting.live.value, slot) : 0;
  const side = <Side view={view} slot={slot} role={me.role} waiting={waiting} />;
  return (
    <div class={`room ${desk ? "desk" : "palm"} ${inText.value ? "text-first" : ""} ${low.value ? "low" : ""}`} {...onPage("room")} data-slot={slot}>
      <Header view={view} desk={desk} search={search} openPeople={() => (people.value = true)} waiting={waiting + (isBench(me.role) ? unreadNotes() : 0)} />
      {desk && isBench(me.role) && <OtherHearings own={me.streamHex} />}
      <main class={`hall ${swears(view, slot) ? "swearing" : ""}`}>
        <Told view={view} slot={slot} />
        {!desk && <Door view={view} />}
        {hasPictures && <Stage wide={desk} />}
        {!apart && <CaptionStrip typing={typing} />}
        {search.value !== null && <SearchBox search={search} />}
        {apart ? (
          <div class="apart-scroll">
            <WindowsHere view={view} slot={slot} />
            <Timeline search={search.value ?? ""} />
          </div>
        ) : (
          <Timeline search={search.value ?? ""} />
        )}
        <p class="typing soft">{typing.length > 0 && r.typing(who(view, typing[0] ?? ""))}</p>
        <Checklist />
        <ActBar wide={desk} />
        {(!apart || isBench(me.role)) && <Composer wide={desk} />}
      </main>
      {desk ? (
        <aside aria-label={benchWords().panel}>
          {side}
          <div class="row aside-end">
            <CallCourt phone={view.phone} />
            <SettingsButton open={() => (settings.value = true)} />
            <Choices />
          </div>
        </aside>
      ) : (
        people.value && <PeopleSheet view={view} close={() => (people.value = false)} search={() => (search.value = "")} settings={() => (settings.value = true)} side={side} />
      )}
      {settings.value && <SettingsSheet close={() => (settings.value = false)} />}
      <ActQuestion />
      <CourseQuestion />
      <BenchSheets wide={desk} />
      <AsynchronousSheet view={view} slot={slot} />
      <Keys search={() => (search.value = search.value ?? "")} />
      <CueBanner />
    </div>
  );
}

/** What this person must know now, the gravest first: one calm line each, above the pictures. */
function Told({ view, slot }: { readonly view: RoomView; readonly slot: string }): JSX.Element {
  return (
    <>
      <LineState />
      <ForkNotice />
      <CourseNotice />
      <PublicBar view={view} slot={slot} />
      <Unheard view={view} slot={slot} />
      <Restricted view={view} slot={slot} />
      <Sound />
      <LinkNotice />
      <OwnState view={view} slot={slot} />
      <Missed view={view} slot={slot} />
      <OwnAnswers view={view} slot={slot} />
      <TimerPill />
      <PrivateBanner view={view} slot={slot} />
      <ChannelBar view={view} slot={slot} />
      <OwnTestimony view={view} slot={slot} />
      <OwnTrouble />
      <ScreenGrant />
      <div class="asked">
        <Asks />
        <RoomAsks view={view} slot={slot} />
        <PleaList />
      </div>
    </>
  );
}

interface PeopleSheetProps {
  readonly view: RoomView;
  readonly side: JSX.Element;
  readonly close: () => void;
  readonly search: () => void;
  readonly settings: () => void;
}

function PeopleSheet({ view, side, close, search, settings }: PeopleSheetProps): JSX.Element {
  const r = roomWords();
  const then = (go: () => void) => (): void => {
    close();
    go();
  };
  return (
    <Sheet title={view.caseNumber} close={close} testid="people-sheet">
      <p class="soft">{view.cause}</p>
      {side}
      <div class="row">
        <button type="button" class="button" data-testid="search" onClick={then(search)}>
          <Icon name="search" />
          {r.search}
        </button>
        <SettingsButton open={then(settings)} />
        <LeaveButton />
      </div>
      <div class="row">
        <CallCourt phone={view.phone} />
        <Choices />
      </div>
      <button type="button" class="button wide" data-testid="people-close" onClick={close}>
        {r.close_sheet}
      </button>
    </Sheet>
  );
}
