// Can this device be seen, be heard, and reach the court? Everything is measured here and nothing is sent; a person
// without a camera, or with nothing but a keyboard, goes in all the same.
import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { words } from "../../i18n/words";
import {
  camera,
  cameras,
  choose,
  close,
  microphone,
  microphones,
  openDevices,
  stream,
  type Choice,
  type DeviceState,
} from "../../media/devices";
import { meter, unlockAudio } from "../../media/level";
import { keepLink } from "../../state/device";
import { page, type Page } from "../../state/page";
import { CallCourt, Masthead } from "../../ui/masthead";
import { OwnBrowser } from "../../ui/own-browser";
import { enter, makeReady, notYet } from "../room/session";
import { onPage } from "../../ui/routes";

const HEARD = 0.12;
const BARS = 5;
const GOOD_MS = 250;
const FAIR_MS = 700;

export function SelfTestPage({ at }: { readonly at: Extract<Page, { kind: "test" }> }): JSX.Element {
  const w = words();
  const { visit } = at;
  const level = useSignal(0);
  const heard = useSignal(false);
  const trip = useSignal<number | "none" | null>(null);
  const picture = useRef<HTMLVideoElement>(null);

  useEffect(() => {
    unlockAudio();
    void openDevices();
    let here = true;
    const measure = async (): Promise<void> => {
      const trips: number[] = [];
      for (let i = 0; i < 3 && here; i++) {
        const start = performance.now();
        try {
          await fetch("/healthz", { cache: "no-store" });
          trips.push(performance.now() - start);
        } catch {
          // counted as not there
        }
      }
      if (!here) return;
      trips.sort((a, b) => a - b);
      trip.value = trips[0] === undefined ? "none" : Math.round(trips[0]);
      if (trips[0] === undefined) setTimeout(() => void measure(), 3_000);
    };
    void measure();
    return () => {
      here = false;
    };
  }, []);

  const settled = camera.value !== "opening" && microphone.value !== "opening";
  useEffect(() => {
    if (settled) makeReady(visit);
  }, [settled]);

  const own = stream.value;
  useEffect(() => {
    if (picture.current !== null && picture.current.srcObject !== own) {
      picture.current.srcObject = own;
      void picture.current.play().catch(() => undefined);
    }
    if (own === null) return undefined;
    const gauge = meter(own);
    if (gauge === null) return undefined;
    const timer = setInterval(() => {
      level.value = Math.max(gauge.read(), level.value * 0.6);
      if (level.value > HEARD) heard.value = true;
    }, 100);
    return () => {
      clearInterval(timer);
      gauge.stop();
    };
  }, [own]);

  const goIn = (): void => {
    unlockAudio();
    keepLink({ door: "j", ticket: visit.ticket, entered: true, info: visit.info });
    void enter(visit);
    page.value = { kind: "sitting", visit };
  };
  const back = (): void => {
    notYet();
    close();
    page.value = { kind: "entry", visit, waiting: 0 };
  };

  const denied = camera.value === "denied" || microphone.value === "denied";
  const goWords = !settled || camera.value === "on" ? w.go_in : microphone.value === "on" ? w.go_in_without : w.go_in_text;
  return (
    <main class="page" {...onPage("selftest")}>
      <Masthead court={visit.info.court} />
      <div class="stack">
        <h1>{w.test_title}</h1>
        <p class="soft">{w.test_lead}</p>
        <div class="own-picture">
          <video ref={picture} muted playsInline autoPlay aria-label={w.own_picture} hidden={camera.value !== "on"} />
          {camera.value !== "on" && <p>{cameraWords(camera.value)}</p>}
        </div>
        <dl class="checks card">
          <Check name={w.camera} good={camera.value === "on"} settled={camera.value !== "opening"} words={cameraWords(camera.value)} testid="check-camera" />
          <div class="check" data-testid="check-microphone">
            <dt>{w.microphone}</dt>
            <dd>
              <Mark good={heard.value} settled={microphone.value !== "opening" && (heard.value || microphone.value !== "on")} />
              <span class="grow">{microphoneWords(microphone.value, heard.value)}</span>
              {microphone.value === "on" && <Bars level={level.value} />}
            </dd>
          </div>
          <Check
            name={w.network}
            good={typeof trip.value === "number" && trip.value <= FAIR_MS}
            settled={trip.value !== null}
            words={networkWords(trip.value)}
            testid="check-network"
          />
        </dl>
        {(cameras.value.length > 1 || microphones.value.length > 1) && (
          <details>
            <summary data-testid="choose-devices">{w.choose_devices}</summary>
            <div class="stack">
              <Chooser kind="camera" label={w.choose_camera} choices={cameras.value} />
              <Chooser kind="microphone" label={w.choose_microphone} choices={microphones.value} />
            </div>
          </details>
        )}
        <OwnBrowser ticket={visit.ticket} />
        {denied && (
          <div class="notice wait stack">
            <p>{w.how_to_allow}</p>
            <button type="button" class="button" data-testid="selftest-again" onClick={() => void openDevices()}>
              {w.try_again}
            </button>
          </div>
        )}
      </div>
      <footer class="stack">
        <button type="button" class="button primary wide" data-testid="selftest-continue" disabled={!settled} onClick={goIn}>
          {goWords}
        </button>
        <div class="row">
          <button type="button" class="button quiet" data-testid="selftest-back" onClick={back}>
            {w.back}
          </button>
          <CallCourt phone={visit.info.phone} />
        </div>
      </footer>
    </main>
  );
}

function cameraWords(state: DeviceState): string {
  const w = words();
  return { opening: w.camera_wait, on: w.camera_ok, none: w.camera_none, denied: w.camera_denied, taken: w.camera_taken }[state];
}

function microphoneWords(state: DeviceState, heard: boolean): string {
  const w = words();
  if (state === "on") return heard ? w.microphone_ok : w.microphone_say;
  return { opening: w.microphone_wait, none: w.microphone_none, denied: w.microphone_denied, taken: w.microphone_taken }[state];
}

function networkWords(trip: number | "none" | null): string {
  const w = words();
  if (trip === null) return w.network_wait;
  if (trip === "none") return w.network_none;
  return trip <= GOOD_MS ? w.network_good(trip) : trip <= FAIR_MS ? w.network_fair(trip) : w.network_poor(trip);
}

function Mark({ good, settled }: { readonly good: boolean; readonly settled: boolean }): JSX.Element {
  return (
    <span class={`tag ${settled ? (good ? "good" : "wait") : ""}`} aria-hidden="true">
      {settled ? (good ? "✓" : "!") : "…"}
    </span>
  );
}

interface CheckProps {
  readonly name: string;
  readonly good: boolean;
  readonly settled: boolean;
  readonly words: string;
  readonly testid: string;
}

function Check({ name, good, settled, words: text, testid }: CheckProps): JSX.Element {
  return (
    <div class="check" data-testid={testid}>
      <dt>{name}</dt>
      <dd>
        <Mark good={good} settled={settled} />
        <span class="grow">{text}</span>
      </dd>
    </div>
  );
}

function Bars({ level }: { readonly level: number }): JSX.Element {
  const lit = Math.min(BARS, Math.ceil(level * BARS * 1.2));
  return (
    <span class="bars" aria-hidden="true">
      {Array.from({ length: BARS }, (_, n) => (
        <i key={n} class={n < lit ? "lit" : ""} />
      ))}
    </span>
  );
}

function Chooser({ kind, label, choices }: { readonly kind: "camera" | "microphone"; readonly label: string; readonly choices: readonly Choice[] }): JSX.Element | null {
  if (choices.length < 2) return null;
  return (
    <div class="field">
      <label for={`choose-${kind}`}>{label}</label>
      <select id={`choose-${kind}`} data-testid={`choose-${kind}`} onChange={(event) => void choose(kind, event.currentTarget.value)}>
        {choices.map((choice) => (
          <option key={choice.id} value={choice.id}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}
