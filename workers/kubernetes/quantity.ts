/** Quantities as a cluster writes them: `250m`, `1500n`, `64Mi` (apimachinery, "resource.Quantity"). Pure. */

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** The number that it stands for; 0 for what is none. */
export function quantityOf(text: string): number {
  const [, number = "", unit = ""] = /^([0-9.]+(?:[eE][+-]?\d+)?)([a-zA-Z]*)$/.exec(text) ?? [];
  return number === "" ? 0 : Number(number) * (FACTORS[unit] ?? 0);
}

/** Cores as a quantity; a thousandth is the least. */
export function coresText(cores: number): string {
  return `${Math.max(1, Math.round(cores * 1_000))}m`;
}
