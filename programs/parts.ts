/** Parts taken down in the reverse order in which they were put up. */

/** How each part is undone, in the order in which they were made. */
export type Undo = (() => Promise<unknown>)[];

/** Undoes all, the last one first. */
export async function undoAll(undo: Undo): Promise<void> {
  for (const step of undo.splice(0).reverse()) await step();
}
