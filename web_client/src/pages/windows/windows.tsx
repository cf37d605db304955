// The asynchronous sitting (SPEC AS), as one chunk: what a party sees and does, and what the bench does.
export { BenchWindows } from "./bench";
export { FormSheet } from "./form";
export { OwnWindows } from "./own";
