// The court this component stands in. Components of the room are only rendered inside one.
import { court, type Court } from "./session";

export function here(): Court {
  const value = court.value;
  if (value === null) throw new Error("not in a courtroom");
  return value;
}
