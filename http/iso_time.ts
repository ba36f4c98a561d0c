/** Times as the API shows them: ISO 8601 in UTC; inside they are epoch milliseconds. Design §6. */

/** `1700000000000` → `2023-11-14T22:13:20.000Z`. */
export function isoTime(epochMs: number): string {
  return new Date(epochMs).toISOString();
}
