// The keyboard never covers the box: where it lies over the page (iOS), the room is as high as what is left; and where
// little is left, pictures give way to words.
import { signal } from "@preact/signals";

/** So low a window holds the signer, the captions and what is being written, and no more. */
const LOW_PX = 520;

export const low = signal(false);

/** Follows until the result is called. */
export function fitScreen(): (() => void) | undefined {
  const visible = window.visualViewport;
  if (!visible) return undefined;
  const root = document.documentElement;
  const fit = (): void => {
    // Enlarged by two fingers the page is only looked at closer, not smaller.
    if (visible.scale > 1.01) return;
    root.style.setProperty("--screen", `${Math.round(visible.height)}px`);
    low.value = visible.height < LOW_PX && visible.height > visible.width;
    scrollTo(0, 0);
  };
  fit();
  visible.addEventListener("resize", fit);
  return () => {
    visible.removeEventListener("resize", fit);
    root.style.removeProperty("--screen");
    low.value = false;
  };
}
