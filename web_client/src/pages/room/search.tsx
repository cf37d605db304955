// Search in the record that is here.
import type { Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";

import { roomWords } from "../../i18n/room-words";

export function SearchBox({ search }: { readonly search: Signal<string | null> }): JSX.Element {
  const r = roomWords();
  const box = useRef<HTMLInputElement>(null);
  useEffect(() => box.current?.focus(), []);
  return (
    <div class="search-box" role="search">
      <label class="unseen" for="search-box">
        {r.search}
      </label>
      <input id="search-box" ref={box} type="search" data-testid="search-text" placeholder={r.search} value={search.value ?? ""} onInput={(event) => (search.value = event.currentTarget.value)} onKeyDown={(event) => event.key === "Escape" && (search.value = null)} />
      <button type="button" class="button" data-testid="search-close" onClick={() => (search.value = null)}>
        {r.close_sheet}
      </button>
    </div>
  );
}
