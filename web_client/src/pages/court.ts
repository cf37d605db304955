// The room's chunk: everything from the self-test to the sealed record.
import "../styles/room.css";

export { SelfTestPage } from "./selftest/selftest";
export { SittingPage } from "./sitting";
