/** Values that several parties hold at once are frozen, so that a change by one is an error, not a different log. */

/** Freezes plain data with all that is in it, and gives it back. What is frozen already is taken to be so throughout. */
export function freezeDeep<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  if (Array.isArray(value)) { for (const inner of value) freezeDeep(inner); }
  else for (const key in value) freezeDeep(value[key]);
  return value;
}
