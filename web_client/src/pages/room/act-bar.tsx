// What judge and clerk do to the sitting. The frequent acts are one or two taps; whatever ends the sitting stands apart, and
// is named before it happens. On a desk it is a bar of its own; on a phone its keys stand in the thumb's bar beside the
// microphone, and everything else is in a sheet.
import type { JSX } from "preact";

import { benchWords } from "../../i18n/bench-words";
import { conductWords } from "../../i18n/conduct-words";
import { courseWords } from "../../i18n/course-words";
import { roomWords } from "../../i18n/room-words";
import { list } from "../../i18n/times";
import { person } from "../../i18n/words";
import { benchActs, type BenchActs, type More, type Rare } from "../../state/acts";
import { missing } from "../../state/checked";
import { isBench, sealWaitsFor } from "../../state/may";
import type { RoomView } from "../../state/view";
import { Icon } from "../../ui/icons";
import { Sheet } from "../../ui/sheet";
import { perform, question, sheet, under } from "./acts";
import { askCourse, askStages } from "./course";
import { FloorSheet, GiveSheet, giveFloor } from "./floor";
import { here } from "./here";

import { OrderSheet } from "./pleas";
import { PublicSheet } from "./public-sheet";
import { who } from "./wording";


const shut = (): void => void (sheet.value = null);

const ID: Readonly<Record<string, string>> = {
  "act.check_in": "act-check-in",
  "act.open": "act-open",
  "act.recess": "act-recess",
  "act.resume": "act-resume",
  "act.propose_seal": "act-propose-seal",
  "act.seal": "act-seal",
  "act.suspend": "act-suspend",
  "act.adjourn": "act-adjourn",
  "act.convert": "act-convert",
  "act.cancel": "act-cancel",
  "act.close": "act-close",
};

/** One tap, unless the court would refuse to open because something lacks (PE7): then what lacks is shown. */
function take(act: BenchActs["steps"][number]): void {
  const view = here().sitting.view.peek();
  if (act === "act.open" && view !== null && missing(view).length > 0) question.value = { act };
  else perform(act);
}

interface Offered {
  readonly view: RoomView;
  readonly acts: BenchActs;
  readonly online: boolean;
}

function offered(): Offered | null {
  const { sitting } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null || !isBench(me.role)) return null;
  return { view, acts: benchActs(view, me.slot), online: sitting.line.value.kind === "open" };
}

/** On a phone the bar of a running sitting is the thumb's own (`BenchKeys`); before and after it stands here. */
function inThumbBar(view: RoomView): boolean {
  return view.phase === "checking_in" || view.phase === "open" || view.phase === "in_recess" || view.phase === "technical_suspension";
}

export function ActBar({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const r = roomWords();
  const b = benchWords();
  const given = offered();
  if (given === null || (!wide && inThumbBar(given.view))) return null;
  const { view, acts, online } = given;
  const { recording } = view;
  const sealing = acts.steps.some((act) => act === "act.seal" || act === "act.propose_seal");
  const frequent = acts.speakers.length > 0 || acts.turn !== null || acts.floorEnd || acts.stages || acts.order || acts.unrestrict;
  const rest = acts.more.length + acts.apart.filter((act) => act !== "act.close").length;
  if (acts.steps.length + rest === 0 && !frequent && view.phase !== "closed") return null;
  return (
    <div class="acts" role="toolbar" aria-label={r.sitting_acts}>
      {acts.steps.map((act) => (
        <Step key={act} act={act} disabled={!online || (act === "act.seal" && recording)} />
      ))}
      {sealing && recording && (
        <span class="soft small" role="status">
          {r.refusals["recording_unsettled"]}
        </span>
      )}
      {view.phase === "closed" && <SealState view={view} proposing={acts.steps.includes("act.propose_seal")} />}
      <Turn view={view} acts={acts} online={online} />
      {acts.speakers.length > 0 && (
        <button type="button" class="button" data-testid="floor-give" aria-haspopup="dialog" disabled={!online} onClick={() => (sheet.value = "give")}>
          {b.give_floor}
        </button>
      )}
      {acts.floorEnd && (
        <button type="button" class="button" data-testid="floor-end" disabled={!online} onClick={() => perform("act.floor", [null])}>
          {r.floor_end}
        </button>
      )}
      {acts.stages && (
        <button type="button" class="button" data-testid="stage-choose" aria-haspopup="dialog" disabled={!online} onClick={askStages}>
          {b.next_stage}
        </button>
      )}
      {acts.order && <OrderKey online={online} />}
      {acts.unrestrict && <Unrestrict online={online} />}
      {rest > 0 && (
        <button type="button" class="button" data-testid="course-more" aria-haspopup="dialog" onClick={() => (sheet.value = "more")}>
          {b.more}
          <Icon name="more" />
        </button>
      )}
      {wide && acts.apart.includes("act.close") && (
        <button type="button" class="button danger apart" data-testid="act-close" disabled={!online || under("act.close")} onClick={() => (question.value = { act: "act.close" })}>
          {r.acts["act.close"]}
        </button>
      )}
    </div>
  );
}

/** The bench's keys in the thumb's bar of a phone. */
export function BenchKeys(): JSX.Element | null {
  const r = roomWords();
  const b = benchWords();
  const given = offered();
  if (given === null || !inThumbBar(given.view)) return null;
  const { view, acts, online } = given;
  const [step] = acts.steps;
  const first = acts.turn;
  return (
    <>
      {first !== null ? (
        <button type="button" class="button now" data-testid={first.why === "turn" ? "next-turn" : "floor-hand"} disabled={!online || under("act.floor", first.slot)} onClick={() => giveFloor(first.slot)}>
          <Icon name="hand" />
          <span>{conductWords().next(who(view, first.slot))}</span>
        </button>
      ) : (
        acts.speakers.length > 0 && (
          <button type="button" class="button" data-testid="floor-give" aria-haspopup="dialog" disabled={!online} onClick={() => (sheet.value = "give")}>
            <Icon name="hand" />
            <span>{b.give_floor_short}</span>
          </button>
        )
      )}
      {step !== undefined && (
        <button type="button" class={`button ${step === "act.recess" ? "" : "now"}`} data-testid={ID[step]} disabled={!online || under(step)} onClick={() => take(step)}>
          <Icon name={step === "act.recess" ? "pause" : "play"} />
          <span>{r.acts[step]}</span>
        </button>
      )}
      <button type="button" class="button" data-testid="course-more" aria-haspopup="dialog" onClick={() => (sheet.value = "more")}>
        <Icon name="more" />
        <span>{b.more}</span>
      </button>
    </>
  );
}

function Step({ act, disabled }: { readonly act: BenchActs["steps"][number]; readonly disabled: boolean }): JSX.Element {
  const r = roomWords();
  const seals = act === "act.seal" || act === "act.propose_seal";
  const look = seals ? "danger" : act === "act.recess" ? "" : "primary";
  return (
    <span class="joined">
      <button type="button" class={`button ${look}`} data-testid={ID[act]} disabled={disabled || under(act)} onClick={() => (seals ? (question.value = { act }) : take(act))}>
        {r.acts[act]}
      </button>
      {/* One tap adjourns; whoever wants to say why takes the button beside it. */}
      {act === "act.recess" && (
        <button type="button" class="button icon-only" data-testid="act-recess-reason" aria-label={r.act_with_reason} title={r.act_with_reason} disabled={disabled || under(act)} onClick={() => (question.value = { act })}>
          <Icon name="text" />
        </button>
      )}
    </span>
  );
}

function SealState({ view, proposing }: { readonly view: RoomView; readonly proposing: boolean }): JSX.Element {
  const r = roomWords();
  const waitsFor = sealWaitsFor(view);
  return (
    <span class="soft small grow" role="status" data-testid="seal-missing">
      {view.proposal === null ? proposing && r.seal_needs_two : r.seal_proposed(who(view, view.proposal.slot), list(waitsFor.map((seat) => person(seat.role, seat.name))))}
    </span>
  );
}

function Turn({ view, acts, online }: Offered): JSX.Element | null {
  const { turn } = acts;
  if (turn === null) return null;
  return (
    <button type="button" class="button primary" data-testid={turn.why === "turn" ? "next-turn" : "floor-hand"} disabled={!online || under("act.floor", turn.slot)} onClick={() => giveFloor(turn.slot)}>
      {turn.why === "hand" && <Icon name="hand" />}
      {conductWords().next(who(view, turn.slot))}
    </button>
  );
}

function OrderKey({ online }: { readonly online: boolean }): JSX.Element {
  return (
    <button type="button" class="button" data-testid="order" aria-haspopup="dialog" disabled={!online} onClick={() => (sheet.value = "order")}>
      {benchWords().order_short}
    </button>
  );
}

function Unrestrict({ online }: { readonly online: boolean }): JSX.Element {
  return (
    <button
      type="button"
      class="button"
      data-testid="act-unrestrict"
      disabled={!online || under("act.unrestrict")}
      onClick={() => {
        perform("act.unrestrict");
        shut();
      }}
    >
      {roomWords().acts["act.unrestrict"]}
    </button>
  );
}

/** Whatever the bar opens; mounted once in the room. */
export function BenchSheets({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const given = offered();
  const open = sheet.value;
  if (given === null || open === null) return null;
  if (open === "give") return <GiveSheet view={given.view} speakers={given.acts.speakers} close={shut} />;
  if (open === "floor") return <FloorSheet view={given.view} close={shut} />;
  if (open === "public") return <PublicSheet view={given.view} close={shut} />;
  if (open === "order") return <OrderSheet close={shut} />;
  if (open === "asynchronous") return null; // in a chunk of its own, see windows.tsx
  return <MoreSheet {...given} wide={wide} />;
}

const MORE_ID: Readonly<Record<More, string>> = { floor_mode: "floor-mode", mute_all: "act-mute-all", unmute_all: "act-unmute-all", restrict: "act-restrict", public: "act-public", asynchronous: "act-asynchronous" };

function MoreSheet({ view, acts, online, wide }: Offered & { readonly wide: boolean }): JSX.Element {
  const r = roomWords();
  const b = benchWords();
  const c = courseWords();
  const w = conductWords();
  const act = (what: More): void => {
    sheet.value = what === "floor_mode" ? "floor" : what === "public" || what === "asynchronous" ? what : null;
    if (what === "mute_all" || what === "unmute_all") perform(`act.${what}`);
    else if (what === "restrict") question.value = { act: "act.restrict" };
  };
  const end = (what: Rare | "act.close"): void => {
    shut();
    if (what === "act.close") question.value = { act: what };
    else askCourse(what);
  };
  const name = { "act.suspend": c.suspend, "act.adjourn": b.adjourn, "act.convert": c.convert, "act.cancel": c.cancel, "act.close": r.acts["act.close"] };
  // Everything the bar of a desk has beside the sheet stands in it on a phone.
  const apart = acts.apart.filter((each) => !wide || each !== "act.close");
  return (
    <Sheet title={b.more_title} close={shut} testid="course-more-sheet">
      <div class="stack tight">
        {!wide && acts.turn !== null && acts.speakers.length > 0 && <Wide id="floor-give" label={b.give_floor} disabled={!online} act={() => (sheet.value = "give")} />}
        {!wide && acts.floorEnd && (
          <Wide
            id="floor-end"
            label={r.floor_end}
            disabled={!online}
            act={() => {
              perform("act.floor", [null]);
              shut();
            }}
          />
        )}
        {!wide && acts.order && <Wide id="order" label={b.order_short} disabled={!online} act={() => (sheet.value = "order")} />}
        {!wide && acts.stages && (
          <Wide
            id="stage-choose"
            label={b.next_stage}
            disabled={!online}
            act={() => {
              shut();
              askStages();
            }}
          />
        )}
        {!wide && acts.unrestrict && <Unrestrict online={online} />}
        {!wide && acts.steps.includes("act.recess") && (
          <Wide
            id="act-recess-reason"
            label={r.act_with_reason}
            disabled={!online}
            act={() => {
              shut();
              question.value = { act: "act.recess" };
            }}
          />
        )}
        {acts.more.map((what) => (
          <Wide key={what} id={MORE_ID[what]} label={what === "floor_mode" ? b.acts.floor_mode(w.modes[view.conduct.mode]) : b.acts[what]} disabled={!online} act={() => act(what)} />
        ))}
      </div>
      {apart.length > 0 && (
        <section class="stack tight set-apart" aria-label={b.more_apart}>
          <p class="soft small">{b.more_apart}</p>
          {apart.map((what) => (
            <Wide key={what} id={ID[what] ?? ""} label={name[what] ?? ""} danger disabled={!online || under(what)} act={() => end(what)} />
          ))}
        </section>
      )}
      <button type="button" class="button wide" data-testid="course-more-close" onClick={shut}>
        {b.close}
      </button>
    </Sheet>
  );
}

function Wide({ id, label, disabled, danger = false, act }: { readonly id: string; readonly label: string; readonly disabled: boolean; readonly danger?: boolean; readonly act: () => void }): JSX.Element {
  return (
    <button type="button" class={`button wide ${danger ? "danger" : ""}`} data-testid={id} disabled={disabled} onClick={act}>
      {label}
    </button>
  );
}
