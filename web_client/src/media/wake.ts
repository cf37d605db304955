// A hearing is listened to without touching the screen: it stays lit as long as the page is looked at.

interface Lock {
  release(): Promise<void>;
}

/** Keeps the screen lit until the result is called; a system that forbids it (low battery) is asked again at the next look. */
export function keepAwake(): () => void {
  const maker = (navigator as unknown as { wakeLock?: { request(kind: "screen"): Promise<Lock> } }).wakeLock;
  if (maker === undefined) return () => undefined;
  let lock: Lock | null = null;
  let here = true;
  const look = (): void => {
    if (!here || document.visibilityState !== "visible") return;
    // The system drops the lock whenever the page is hidden, so each look asks anew.
    maker.request("screen").then(
      (got) => {
        if (here) lock = got;
        else void got.release().catch(() => undefined);
      },
      () => undefined,
    );
  };
  look();
  document.addEventListener("visibilitychange", look);
  return () => {
    here = false;
    document.removeEventListener("visibilitychange", look);
    void lock?.release().catch(() => undefined);
  };
}
