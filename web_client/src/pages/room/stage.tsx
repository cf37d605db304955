// The pictures: who is seen, how large. Where each stands is decided in `state/layout.ts`.
import type { JSX } from "preact";

import { roomWords } from "../../i18n/room-words";
import { shown } from "../../media/screen";
import type { ReceiveSlot } from "../../media/transceivers";
import { arrange, columns } from "../../state/layout";
import { roomOf, together } from "../../state/private";
import { seatOf, type RoomView } from "../../state/view";
import { inText } from "../../ui/access";
import { EmblemBand } from "./header";
import { here } from "./here";
import { OwnScreen, Screen } from "./screens";
import { centre } from "./speaking";
import { Tile } from "./tile";

/** What follows a seat in the name of the slot on which its screen arrives. */
const SCREEN_SLOT = "/screen";

export function Stage({ wide }: { readonly wide: boolean }): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const view = sitting.view.value;
  const me = sitting.me.value;
  if (view === null || me === null) return null;
  const live = isLive(view, me.slot);
  const seen = view.seats.filter((seat) => together(view.privately, seat.slot, me.slot) && seat.state === "admitted" && seat.role !== "observer" && (seat.connected || seat.sinceMs !== null));
  const present = seen.map((seat) => seat.slot);
  const found = centre(view, me.slot) ?? me.slot;
  const middle = present.includes(found) ? found : (present.find((slot) => slot !== me.slot) ?? me.slot);
  const slotOf = (source: string): ReceiveSlot | undefined => {
    for (const [index, whose] of peer.seats.value) if (whose === source) return peer.receive.value.find((slot) => slot.index === index);
    return undefined;
  };
  const shower = roomOf(view.privately, me.slot) === null ? seatOf(view, view.screen) : null;
  const screenSlot = shower === null ? undefined : slotOf(`${shower.slot}${SCREEN_SLOT}`);
  const own = shower !== null && shower.slot === me.slot;
  const isScreen = live && shower !== null && (own ? shown.value !== null : screenSlot !== undefined);
  const at = arrange({ present, middle, signer: view.privately.signer, own: me.slot, screen: isScreen, wide, text: inText.value });
  const tile = (slot: string, large: boolean): JSX.Element | null => {
    const seat = seatOf(view, slot);
    return seat === null ? null : <Tile key={slot} seat={seat} own={slot === me.slot} receive={slotOf(slot)} large={large} signs={slot === view.privately.signer} live={live} />;
  };
  const perRow = columns(at.grid.length);
  return (
    <section class={`stage ${wide ? "wide" : ""}`} aria-label={r.stage} data-testid="stage">
      <EmblemBand view={view} desk={wide} />
      {at.screen && shower !== null && <div class="main screen">{own ? <OwnScreen /> : screenSlot !== undefined && <Screen seat={shower} receive={screenSlot} />}</div>}
      {at.main !== null && (
        <div class={`main ${at.signer === null ? "" : "pair"}`}>
          {tile(at.main, true)}
          {at.signer !== null && tile(at.signer, true)}
        </div>
      )}
      {at.grid.length > 0 && (
        <div class="grid" data-columns={perRow} data-rows={Math.ceil(at.grid.length / Math.max(1, perRow))}>
          {at.grid.map((slot) => tile(slot, true))}
        </div>
      )}
      {(at.strip.length > 0 || (at.screen && at.signer !== null)) && (
        <div class={`strip ${at.screen && at.signer !== null ? "with-signer" : ""}`}>
          {at.screen && at.signer !== null && tile(at.signer, false)}
          {at.strip.map((slot) => tile(slot, false))}
        </div>
      )}
      <MediaState />
    </section>
  );
}

/** Pictures and sound go round only then; at any other time a tile is a name plate. */
function isLive(view: RoomView, slot: string): boolean {
  return roomOf(view.privately, slot) !== null || view.phase === "checking_in" || view.phase === "open";
}

function MediaState(): JSX.Element | null {
  const r = roomWords();
  const { sitting, peer } = here();
  const state = peer.state.value;
  const view = sitting.view.value;
  const me = sitting.me.value;
  // What cannot connect at all has its own line, with what works instead.
  if (state !== "connecting" || view === null || me === null || !isLive(view, me.slot)) return null;
  return (
    <p class="media-state" role="status" data-testid="media-state">
      {r.media_down}
    </p>
  );
}
