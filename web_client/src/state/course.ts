// The course of a sitting: its rules, its stages, how it was suspended or ended (SPEC ST). The rules come with the welcome,
// already named: they are the record's second entry, written before anybody can join, so no page ever folds them.
import type { Leaf } from "../record/leaf";

/** A code of the rules, and what the record calls it. */
export interface Named {
  readonly code: string;
  readonly zh: string;
  readonly en: string;
}

export interface Program {
  readonly stages: readonly (Named & { readonly skip: boolean })[];
  readonly grounds: readonly Named[];
  /** What the judge must have found before it is held asynchronously (AS2). */
  readonly findings: readonly Named[];
  readonly noticeDays: number;
  readonly shortNotice: boolean;
}

export type Ending = "cancelled" | "converted";

/** Where it stands in its program. */
export interface Course {
  readonly stage: string | null;
  readonly held: readonly string[];
  readonly ending: Ending | null;
}

const DAY_MS = 86_400_000;

type Map_ = { readonly [key: string]: unknown };
const isMap = (value: unknown): value is Map_ => typeof value === "object" && value !== null && !Array.isArray(value);
const text = (value: unknown): string => (typeof value === "string" ? value : "");
const maps = (value: unknown): readonly Map_[] => (Array.isArray(value) ? value.filter(isMap) : []);
const named = (map: Map_): Named => ({ code: text(map["code"]), zh: text(map["zh"]), en: text(map["en"]) });

/** The rules as the court's map has them; null where the sitting has none. */
export function readProgram(value: unknown): Program | null {
  if (!isMap(value)) return null;
  return {
    stages: maps(value["stages"]).map((stage) => ({ ...named(stage), skip: stage["skip"] === true })),
    grounds: maps(value["grounds"]).map(named),
    findings: maps(value["findings"]).map(named),
    noticeDays: typeof value["notice_days"] === "number" ? value["notice_days"] : 0,
    shortNotice: value["short_notice"] === true,
  };
}

export function readCourse(map: Map_): Course {
  const { stage, held, ending } = map;
  return {
    stage: typeof stage === "string" ? stage : null,
    held: Array.isArray(held) ? held.filter((code): code is string => typeof code === "string") : [],
    ending: ending === "cancelled" || ending === "converted" ? ending : null,
  };
}

/** The rules after the sitting was moved to another date (NO9): whether the notice is as long as they want. */
export function movedTo(program: Program, at: unknown, tsMs: number): Program {
  return typeof at === "number" ? { ...program, shortNotice: at - tsMs < program.noticeDays * DAY_MS } : program;
}

/** The course after this entry. */
export function foldCourse(course: Course, leaf: Leaf): Course {
  const [first] = leaf.facts;
  switch (leaf.type) {
    case "stage":
    case "act.stage":
      return typeof first === "string" ? { ...course, stage: first, held: course.held.includes(first) ? course.held : [...course.held, first].sort() } : course;
    case "act.convert":
      return { ...course, ending: "converted" };
    case "act.cancel":
      return { ...course, ending: "cancelled" };
    default:
      return course;
  }
}

/** How the judge may come to each stage: not (it stands there, or too much lies between), forward, or back with a reason. */
export function wayTo(program: Program, course: Course, code: string): "here" | "forward" | "back" | null {
  const order = program.stages.map((stage) => stage.code);
  const here = course.stage === null ? -1 : order.indexOf(course.stage);
  const there = order.indexOf(code);
  if (there === here) return "here";
  if (there < here) return "back";
  const passed = program.stages.slice(here + 1, there);
  return passed.every((stage) => stage.skip || course.held.includes(stage.code)) ? "forward" : null;
}
