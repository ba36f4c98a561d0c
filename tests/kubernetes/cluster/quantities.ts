/** Quantities such as `100m` and `64Mi`. */

/** What the server says of one that is none. */
export const QUANTITY_RULE =
  "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

const SUFFIXES: Record<string, number> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
};

/** Its number; `NaN` when it is none. */
export function quantityOf(text: string | number): number {
  const [, number = "", suffix = ""] = /^([+-]?\d+\.?\d*|[+-]?\.\d+)(\D*|[eE][+-]?\d+)$/
    .exec(String(text)) ?? [];
  if (/^[eE]/.test(suffix)) return Number(number + suffix);
  return number === "" ? NaN : Number(number) * (SUFFIXES[suffix] ?? NaN);
}
