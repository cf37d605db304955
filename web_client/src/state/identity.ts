// The number on a resident's identity card (GB 11643), looked at on this device alone: it is neither sent nor kept (flows/SPEC.md,
// PE2). The same check as the court's own (`identity.is_identity_number`).

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2] as const;
const CHECKS = "10X98765432";

/** The date of birth in it, as YYYY-MM-DD; null where its check character or that date does not hold. */
export function bornBy(number: string, today: string): string | null {
  if (!/^[0-9]{17}[0-9Xx]$/.test(number)) return null;
  const weighed = WEIGHTS.reduce((sum, weight, at) => sum + weight * Number(number[at]), 0);
  if (CHECKS[weighed % 11] !== number[17]?.toUpperCase()) return null;
  const born = `${number.slice(6, 10)}-${number.slice(10, 12)}-${number.slice(12, 14)}`;
  const date = new Date(`${born}T00:00:00Z`);
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(born);
  return exists && born >= "1900-01-01" && born <= today ? born : null;
}
