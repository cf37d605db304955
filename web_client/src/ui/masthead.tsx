// The head of every page before the room: the court's emblem and name, the language, and large print.
import { signal } from "@preact/signals";
import type { JSX } from "preact";

import { language, speak } from "../i18n/language";
import { words } from "../i18n/words";

const KEPT = "palm.large";

function keptLarge(): boolean {
  try {
    return localStorage.getItem(KEPT) === "1";
  } catch {
    return false;
  }
}

const large = signal(keptLarge());

/** Puts the kept choices on the page; called once, before the first page. */
export function applyPrint(): void {
  document.documentElement.classList.toggle("large-print", large.value);
}

function toggleLarge(): void {
  large.value = !large.value;
  applyPrint();
  try {
    localStorage.setItem(KEPT, large.value ? "1" : "0");
  } catch {
    // kept for this page only
  }
}

/** The two things anybody may change about any page. */
export function Choices(): JSX.Element {
  const w = words();
  return (
    <>
      <button type="button" class="button quiet" data-testid="large-print" aria-pressed={large.value} onClick={toggleLarge}>
        {w.large_print}
      </button>
      <button
        type="button"
        class="button quiet"
        data-testid="language"
        lang={language.value === "zh" ? "en" : "zh-CN"}
        onClick={() => speak(language.value === "zh" ? "en" : "zh")}
      >
        {w.other_language}
      </button>
    </>
  );
}

export function Masthead({ court }: { readonly court: string }): JSX.Element {
  return (
    <header class="masthead">
      <img src="/emblem.svg" alt="" width={40} height={40} />
      <strong>{court === "" ? words().product : court}</strong>
      <Choices />
    </header>
  );
}

/** A telephone number that a thumb can call; said plainly when it is not known. */
export function CallCourt({ phone }: { readonly phone: string }): JSX.Element {
  const w = words();
  return phone === "" ? (
    <p class="soft">{w.phone_unknown}</p>
  ) : (
    <a class="button quiet" data-testid="call-court" href={`tel:${phone.replace(/[^0-9+]/g, "")}`}>
      {w.call_court(phone)}
    </a>
  );
}
