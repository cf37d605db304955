// How a person takes part: captions under the speaker, and a hearing in text. Kept on this browser, because whoever needs it
// today needs it tomorrow.
import { computed, signal } from "@preact/signals";

export type Captions = "off" | "on" | "large";
export const CAPTIONS: readonly Captions[] = ["off", "on", "large"];

const KEPT = "palm.access";

interface Kept {
  readonly captions: Captions | null;
  readonly text: boolean;
}

function kept(): Kept {
  try {
    const found = JSON.parse(localStorage.getItem(KEPT) ?? "{}") as { captions?: unknown; text?: unknown };
    return { captions: CAPTIONS.find((each) => each === found.captions) ?? null, text: found.text === true };
  } catch {
    return { captions: null, text: false };
  }
}

const access = signal<Kept>(kept());
/** Somebody signs in this room: then captions are shown unless the person has said no. */
export const signed = signal(false);

/** The hearing as text: what is written is large and first, and every sound of the court has its sign. */
export const inText = computed(() => access.value.text);
export const captionsNow = computed<Captions>(() => access.value.captions ?? (access.value.text || signed.value ? "on" : "off"));

function keep(next: Kept): void {
  access.value = next;
  try {
    localStorage.setItem(KEPT, JSON.stringify(next));
  } catch {
    // kept for as long as this page lives
  }
}

export function chooseCaptions(captions: Captions): void {
  keep({ ...access.peek(), captions });
}

export function chooseText(text: boolean): void {
  keep({ ...access.peek(), text });
}
