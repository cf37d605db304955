// Web push, as far as a seat uses it: this browser says by its own device that it may be called (POST /api/push). One browser
// has one subscription for all its seats, so turning it off for one seat leaves the others' alone.
import { ask } from "../../protocol/api";
import { fromBase64Url, toHex } from "../../record/bytes";
import { identityOf } from "../../state/device";
import type { Visit } from "../../state/page";

/** A browser whose push service cannot be reached from where it is may never say so. */
const SUBSCRIBE_MS = 20_000;

export type Answer = "on" | "denied" | "failed";

/** Whether this browser and this court know web push; where they do not, nothing is said of it. */
export function canRing(visit: Visit): boolean {
  return import.meta.env.PROD && (visit.info.push_key ?? "") !== "" && "serviceWorker" in navigator && "PushManager" in window && "Notification" in window;
}

async function tell(visit: Visit, subscription: PushSubscription | null): Promise<void> {
  const { key, secret } = await identityOf(visit.streamKey);
  const its = subscription?.toJSON();
  const told = its === undefined ? null : { endpoint: its.endpoint, p256dh: its.keys?.["p256dh"], auth: its.keys?.["auth"] };
  await ask("/api/push", { json: { ticket: visit.ticket, device_key: toHex(key.publicKey), device_secret: toHex(secret), subscription: told } });
}

function same(a: ArrayBuffer | null, b: Uint8Array): boolean {
  const bytes = a === null ? null : new Uint8Array(a);
  return bytes !== null && bytes.length === b.length && bytes.every((byte, n) => byte === b[n]);
}

async function subscription(key: string): Promise<PushSubscription> {
  const { pushManager } = await navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready);
  const courts = fromBase64Url(key);
  const kept = await pushManager.getSubscription();
  if (kept !== null && same(kept.options.applicationServerKey, courts)) return kept;
  await kept?.unsubscribe(); // made for a key that this court has no more
  const late = new Promise<never>((_, fail) => setTimeout(() => fail(new Error("no answer")), SUBSCRIBE_MS));
  return Promise.race([pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: courts as Uint8Array<ArrayBuffer> }), late]);
}

/** Asks the person's browser, then tells the court. Called by a tap: a browser shows its question only then. */
export async function ring(visit: Visit): Promise<Answer> {
  try {
    if ((await Notification.requestPermission()) !== "granted") return "denied";
    await tell(visit, await subscription(visit.info.push_key ?? ""));
    return "on";
  } catch {
    return "failed";
  }
}

/** Where it was allowed before: the court is told again, for it may have forgotten. Null where it was not. */
export async function ringsStill(visit: Visit): Promise<Answer | null> {
  if (Notification.permission !== "granted") return null;
  try {
    const kept = await (await navigator.serviceWorker.getRegistration("/"))?.pushManager.getSubscription();
    if (kept === null || kept === undefined) return null;
    await tell(visit, await subscription(visit.info.push_key ?? ""));
    return "on";
  } catch {
    return null;
  }
}

export async function ringNoMore(visit: Visit): Promise<void> {
  await tell(visit, null);
}
