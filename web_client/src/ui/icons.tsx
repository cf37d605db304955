// Line icons, drawn once. They never stand alone: a word or an accessible name is always beside them.
import type { JSX } from "preact";

const PATHS = {
  mic: "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5 11a7 7 0 0 0 14 0M12 18v3",
  "mic-off": "M12 3a3 3 0 0 1 3 3v6a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3zM5 11a7 7 0 0 0 14 0M12 18v3M4 3l16 18",
  camera: "M4 7h10a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM15 11l6-3v8l-6-3",
  "camera-off": "M4 7h10a1 1 0 0 1 1 1v8a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1V8a1 1 0 0 1 1-1zM15 11l6-3v8l-6-3M3 4l17 17",
  text: "M5 5h14v11H9l-4 4zM9 9h6M9 12h4",
  plus: "M12 5v14M5 12h14",
  hand: "M8 12V6a1.5 1.5 0 0 1 3 0v5-6.5a1.5 1.5 0 0 1 3 0V11 6a1.5 1.5 0 0 1 3 0v8a6 6 0 0 1-6 6c-3 0-4.5-2-5.5-4l-2-4c1-1 2.5-1 3.5.5z",
  photo: "M3 6h4l2-2h6l2 2h4v13H3zM12 9a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7z",
  video: "M4 6h16v12H4zM10 9l5 3-5 3z",
  file: "M6 3h8l4 4v14H6zM14 3v4h4",
  play: "M8 5l11 7-11 7z",
  stop: "M6 6h12v12H6z",
  send: "M4 12l16-8-6 16-3-6z",
  check: "M5 12l5 5 9-10",
  cross: "M6 6l12 12M18 6L6 18",
  phone: "M6 3h3l2 5-2 1a10 10 0 0 0 5 5l1-2 5 2v3a2 2 0 0 1-2 2A15 15 0 0 1 4 5a2 2 0 0 1 2-2z",
  ear: "M7 9a5 5 0 0 1 10 0c0 4-4 4.500-4 8a2.500 2.500 0 0 1-4.500 1.500M10 10a2 2 0 0 1 4 0c0 1-1 1.500-1.500 2",
  hands: "M4 14l4-4 2 2M20 10l-4 4-2-2M8 10V5M11 11V4M16 14v5M13 13v7",
  captions: "M3 6h18v12H3zM6 11h5M13 11h5M6 14h8",
  seal: "M12 3l7 3v6c0 5-3.5 7.500-7 9-3.5-1.500-7-4-7-9V6zM9 12l2 2 4-4",
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5L20 20",
  down: "M12 5v14M6 13l6 6 6-6",
  leave: "M10 4H5v16h5M14 8l4 4-4 4M18 12H9",
  people: "M9 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM3 20c0-4 2.5-6 6-6s6 2 6 6M16 5a3 3 0 0 1 0 6M17 14c2.5.5 4 2.5 4 6",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  copy: "M8 8h11v12H8zM5 16V4h11",
  lock: "M6 11h12v9H6zM9 11V8a3 3 0 0 1 6 0v3",
  pause: "M8 5v14M16 5v14",
  screen: "M3 5h18v11H3zM9 20h6M12 16v4",
  "screen-off": "M3 5h18v11H3zM9 20h6M12 16v4M4 3l16 18",
  gear: "M4 7h10M18 7h2M4 17h2M10 17h10M14 7a2 2 0 1 0 4 0a2 2 0 1 0-4 0M6 17a2 2 0 1 0 4 0a2 2 0 1 0-4 0",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name }: { readonly name: IconName }): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width={name === "more" ? 3 : 1.8} stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
