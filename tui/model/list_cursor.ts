/** Where one is in a list: the selection follows the item, not the row, and is always in sight. Pure. */

/** `index` is where `id` was seen last; `top` the index of the first row that is shown. */
export interface ListCursor {
  id: string | null;
  index: number;
  top: number;
}

/** At the beginning of a list. */
export const AT_TOP: ListCursor = { id: null, index: 0, top: 0 };

/**
 * The cursor in the list as it is now, `height` rows of which are shown. Where its item is gone, the one that took its
 * place is selected.
 */
export function settled(
  cursor: ListCursor,
  ids: readonly string[],
  height: number,
): ListCursor {
  if (ids.length === 0) return AT_TOP;
  const found = cursor.id === null
    ? 0
    : ids[cursor.index] === cursor.id
    ? cursor.index
    : ids.indexOf(cursor.id);
  return placed(found >= 0 ? found : cursor.index, cursor.top, ids, height);
}

/** `by` rows down, or up where it is negative; stops at the ends. */
export function moved(
  cursor: ListCursor,
  ids: readonly string[],
  height: number,
  by: number,
): ListCursor {
  const { index, top } = settled(cursor, ids, height);
  return ids.length === 0 ? AT_TOP : placed(index + by, top, ids, height);
}

/** At an item, or where it was if there is none of this id. */
export function movedTo(
  cursor: ListCursor,
  ids: readonly string[],
  height: number,
  id: string,
): ListCursor {
  return ids.includes(id) ? settled({ ...cursor, id }, ids, height) : cursor;
}

function placed(
  wanted: number,
  topBefore: number,
  ids: readonly string[],
  height: number,
): ListCursor {
  const rows = Math.max(1, height);
  const index = Math.max(0, Math.min(wanted, ids.length - 1));
  const lastTop = Math.max(0, ids.length - rows);
  const top = Math.max(0, Math.min(Math.max(topBefore, index - rows + 1), index, lastTop));
  return { id: ids[index] ?? null, index, top };
}
