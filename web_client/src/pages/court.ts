// The room's chunk: everything from the self-test to the sealed record.
import "../styles/room.css";
import "../styles/stage.css";
import "../styles/bench.css";
import "../styles/board.css";

export { SelfTestPage } from "./selftest/selftest";
export { SittingPage } from "./sitting";
