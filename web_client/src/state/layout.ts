// Where each picture stands. Whoever has the floor is large; the signer, whom deaf people hear with, is always in sight and
// stands beside whoever has the floor, also on a phone, also while a screen is shown (PR9). Pure: slots in, slots out.
export interface Arrangement {
  /** A screen takes the large place; the people stand in the strip. */
  readonly screen: boolean;
  /** The large picture; null where a screen has its place, or all stand in a grid. */
  readonly main: string | null;
  /** The signer's own place; null where nobody signs, or he is the large one, or it is the viewer himself. */
  readonly signer: string | null;
  /** Small ones, in the order of the seats. */
  readonly strip: readonly string[];
  /** A desk without screen and signer shows all alike. */
  readonly grid: readonly string[];
}

export interface Situation {
  /** Who may be shown, in the order of the seats. */
  readonly present: readonly string[];
  readonly middle: string;
  readonly signer: string | null;
  readonly own: string;
  readonly screen: boolean;
  readonly wide: boolean;
  /** Words are the hearing: of the pictures the signer alone is large. */
  readonly text: boolean;
}

export function arrange({ present, middle, signer, own, screen, wide, text }: Situation): Arrangement {
  const signs = signer !== null && signer !== own && present.includes(signer) ? signer : null;
  const rest = (...without: readonly (string | null)[]): readonly string[] => present.filter((slot) => !without.includes(slot));
  if (screen) return { screen, main: null, signer: signs, strip: rest(signs), grid: [] };
  if (text) return { screen, main: signs, signer: null, strip: signs === null ? [] : rest(signs), grid: [] };
  if (wide && signs === null) return { screen, main: null, signer: null, strip: [], grid: present };
  const main = present.includes(middle) ? middle : (present[0] ?? null);
  const beside = signs === main ? null : signs;
  return { screen, main, signer: beside, strip: rest(main, beside), grid: [] };
}

/** Few people stand in one row; more in two or three of equal length. */
export function columns(people: number): number {
  return people <= 4 ? people : people <= 6 ? 3 : people <= 8 ? 4 : 5;
}
