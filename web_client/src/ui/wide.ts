// Phone or desk: one signal, so that a control exists once in the page and not once per layout.
import { signal } from "@preact/signals";

const query = matchMedia("(min-width: 900px)");

export const wide = signal(query.matches);
const follow = (): void => {
  wide.value = query.matches;
};
// Old web views know only addListener.
if (query.addEventListener !== undefined) query.addEventListener("change", follow);
else query.addListener(follow);
