// The one sitting this page is in: the line, the media leg and the device, tied together. Wired here and nowhere else.
import { batch, effect, signal } from "@preact/signals";

import { accessWords } from "../../i18n/access-words";
import { tag } from "../../i18n/language";
import { called } from "../../i18n/words";
import { close as closeDevices, cameraOn, microphoneOn, openDevices, recoverDevices, stream, watchDevices } from "../../media/devices";
import { Peer } from "../../media/peer";
import { endScreen, shown } from "../../media/screen";
import { saver } from "../../media/saver";
import { keepAwake } from "../../media/wake";
import { uploader } from "../../media/upload";
import { sessionUrl } from "../../protocol/api";
import type { Socket } from "../../protocol/connection";
import { EarlyLine } from "../../protocol/early";
import { SUBPROTOCOL } from "../../protocol/frames.gen";
import { identityOf, keepBenchLink, outboxStore, witnessStore } from "../../state/device";
import type { Visit } from "../../state/page";
import { cue } from "../../ui/cue";
import { Sitting } from "../../state/sitting";
import { watchLink } from "./link";
import { watchVitals } from "./vitals";

export interface Court {
  readonly visit: Visit;
  readonly sitting: Sitting;
  readonly peer: Peer;
  stop(): void;
}

/** The sitting this page is in; null before and after. */
export const court = signal<Court | null>(null);
/** Ticks once a second while in court: clocks and "since when" render from it. */
export const second = signal(Date.now());

let entering: Promise<void> | null = null;
let early: Peer | null = null;
let line: EarlyLine | null = null;

const dial = (url: string, subprotocol: string): Socket => new WebSocket(url, subprotocol) as never;

function newPeer(): Peer {
  return new Peer({
    ready: () => court.peek()?.sitting.line.peek().kind === "open",
    offer: (sdp) => court.peek()?.sitting.offer(sdp) === true,
    bye: () => court.peek()?.sitting.endMedia(),
  });
}

/** While a person looks at himself and reads: his key and his offer are made and the court is dialled, so that after the tap
 * one flight says who he is and offers his picture. Before it, nothing is said. */
export function makeReady(visit: Visit): void {
  void identityOf(visit.streamKey).catch(() => undefined);
  line ??= new EarlyLine(() => dial(sessionUrl(), SUBPROTOCOL));
  early ??= newPeer();
  void early.prepare(stream.peek(), visit.info.media_slots);
}

export function notYet(): void {
  early?.discard();
  early = null;
  line?.close();
  line = null;
}

export function enter(visit: Visit): Promise<void> {
  entering ??= enterNow(visit).finally(() => (entering = null));
  return entering;
}

async function enterNow(visit: Visit): Promise<void> {
  court.peek()?.stop();
  const identity = await identityOf(visit.streamKey);
  const after = (ms: number, call: () => void): (() => void) => {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  };
  const upload = uploader({ token: () => sitting.me.peek()?.session ?? null, fetch: (path, init) => fetch(path, init) });
  const sitting: Sitting = new Sitting(
    sessionUrl(),
    visit.ticket,
    identity,
    visit.streamKey,
    tag,
    {
      dial: (url, subprotocol) => {
        const dialled = line?.take() ?? null;
        line = null;
        return dialled ?? dial(url, subprotocol);
      },
      now: () => performance.now(),
      wall: () => Date.now(),
      after,
      chance: Math.random,
      record: witnessStore,
    },
    { store: outboxStore, upload, now: () => Date.now(), after },
  );
  const peer = early ?? newPeer();
  early = null;
  sitting.media = {
    ahead: () => peer.ahead(),
    // Each welcome is a new session at the court: the media leg offers again.
    seated: (slots, relays, offered) =>
      void (stream.peek() === null ? openDevices() : Promise.resolve()).then(() => peer.start(stream.peek(), slots, relays, offered)),
    answer: (sdp, slots) => peer.answer(sdp, slots),
    slots: (slots) => peer.slots(slots),
  };

  const undo: (() => void)[] = [];
  const listen = (target: EventTarget, name: string, call: () => void): void => {
    target.addEventListener(name, call);
    undo.push(() => target.removeEventListener(name, call));
  };
  const look = (): void => {
    sitting.wake();
    void recoverDevices();
  };
  listen(window, "online", () => {
    sitting.wake();
    void peer.restart();
  });
  listen(window, "pageshow", look);
  listen(document, "visibilitychange", () => {
    if (document.visibilityState === "visible") look();
  });
  const network = (navigator as unknown as { connection?: EventTarget & { type?: string } }).connection;
  let carrier = network?.type;
  if (network !== undefined) {
    listen(network, "change", () => {
      sitting.wake();
      // It also tells of every new guess at the speed; only another carrier is another path.
      if (network.type !== carrier) void peer.restart();
      carrier = network.type;
    });
  }
  undo.push(keepAwake(), watchDevices(), watchVitals(sitting));

  const ticker = setInterval(() => (second.value = Date.now()), 1_000);
  undo.push(() => clearInterval(ticker));

  undo.push(effect(() => void peer.replace(stream.value)));
  undo.push(effect(() => void (called.value = (sitting.view.value ?? sitting.lobby.value)?.roles ?? called.peek())));
  let linked = false;
  undo.push(
    effect(() => {
      const me = sitting.me.value;
      if (linked || me === null || me.role !== "clerk") return;
      linked = true;
      void keepBenchLink(visit.info.stream_id, visit.ticket).catch(() => undefined);
    }),
  );
  let outside = false;
  undo.push(
    effect(() => {
      if (outside && sitting.view.value !== null) cue("called", accessWords().called_in);
      outside = sitting.lobby.value !== null;
    }),
  );
  let held = false;
  undo.push(
    effect(() => {
      void peer.show(shown.value);
      if (sitting.me.value !== null) sitting.mention("screen", shown.value !== null);
    }),
  );
  // The court gave the one screen to somebody else, or ended it: what is on this desk is nobody's business any more.
  undo.push(
    effect(() => {
      const { value: view } = sitting.view;
      const slot = sitting.me.value?.slot;
      const granted = view !== null && view.screen === slot;
      if (held && !granted) endScreen();
      held = granted;
    }),
  );
  // Ended here or in the browser's own bar: the court is told, so that the others have their pictures back.
  let showing = false;
  undo.push(
    effect(() => {
      const now = shown.value !== null;
      if (showing && !now && held && sitting.view.peek()?.screen === sitting.me.peek()?.slot) void sitting.say({ command: "act.end_screen" });
      showing = now;
    }),
  );
  undo.push(
    effect(() => {
      if (sitting.me.value === null) return;
      sitting.mention("microphone", microphoneOn.value);
      // Whoever saves all he can sends no picture: to the others the camera is off.
      sitting.mention("camera", cameraOn.value && saver.value !== "voice");
    }),
  );
  // Shown out, replaced, or the link withdrawn: whoever is outside is not filmed.
  undo.push(
    effect(() => {
      if (sitting.line.value.kind !== "ended") return;
      endScreen();
      peer.stop();
      closeDevices();
    }),
  );
  // Nobody is heard after the closing or an adjournment, so nobody's camera stays on.
  let over = false;
  undo.push(
    effect(() => {
      const phase = sitting.view.value?.phase;
      if (over || (phase !== "adjourned" && phase !== "closed" && phase !== "sealed")) return;
      over = true;
      endScreen();
      peer.stop();
      closeDevices();
    }),
  );

  // Nothing flows in an asynchronous sitting, so nobody's camera is on (AS4). Back with everybody present the page begins
  // anew: its media are offered by a fresh welcome, and nothing that was typed is lost, since no window runs then.
  let apart = false;
  undo.push(
    effect(() => {
      const now = sitting.view.value?.form.asynchronous;
      if (now === undefined || now === apart) return;
      apart = now;
      if (!now) location.reload();
      endScreen();
      peer.stop();
      closeDevices();
    }),
  );

  const here: Court = {
    visit,
    sitting,
    peer,
    stop() {
      for (const each of undo) each();
      endScreen();
      peer.stop();
      sitting.stop();
      if (court.peek()?.sitting === sitting) court.value = null;
    },
  };
  batch(() => {
    second.value = Date.now();
    court.value = here;
  });
  undo.push(watchLink(peer, sitting));
  await sitting.start();
  if (import.meta.env.PROD && "serviceWorker" in navigator) {
    // Only now: everything the shell needs has been fetched, so keeping it costs a thin link nothing.
    after(5_000, () => void navigator.serviceWorker.register("/sw.js").catch(() => undefined));
  }
}

/** Leaves on purpose: the court is told, so the record says "left" and not "lost". */
export async function leave(): Promise<void> {
  const here = court.peek();
  if (here === null) return;
  here.sitting.mention("leaving", true);
  await new Promise((done) => setTimeout(done, 250));
  here.stop();
  closeDevices();
}
