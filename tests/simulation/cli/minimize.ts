/** Delta debugging: the fewest items that still show a fault. Zeller and Hildebrandt, IEEE TSE 2002. */

/**
 * Takes items away, in halves first and one by one at last, as long as `stillFails` says so of the rest.
 *
 * @returns items of which none can be taken away, in their order; when `isOver` says so, what is left by then
 */
export async function minimize<T>(
  items: readonly T[],
  stillFails: (kept: readonly T[]) => Promise<boolean>,
  isOver: () => boolean = () => false,
): Promise<readonly T[]> {
  if (items.length === 0 || isOver()) return items;
  if (await stillFails([])) return [];
  let kept = items;
  let parts = 2;
  while (kept.length > 1 && !isOver()) {
    const size = Math.ceil(kept.length / parts);
    let hasShrunk = false;
    for (let at = 0; at < kept.length && !isOver();) {
      const rest = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (rest.length > 0 && await stillFails(rest)) {
        kept = rest;
        hasShrunk = true;
      } else at += size;
    }
    // A pass at single items that took none away is the end: each was tried in its final company.
    if (hasShrunk) parts = Math.max(2, Math.min(parts, kept.length));
    else if (size === 1) break;
    else parts = Math.min(parts * 2, kept.length);
  }
  return kept;
}
