/** Does the same for many, so many at once: what is asked of one host or runtime is not asked of it all at the same time. */
import type { RuntimeInfo } from "../events/runtime_info.ts";

/** Does `work` for each item, at most `most` at once; the first that fails is thrown. */
export async function sideBySide<Item>(
  items: Iterable<Item>,
  most: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  const workOn = async () => {
    while (waiting.length > 0) await work(waiting.shift()!);
  };
  await Promise.all(Array.from({ length: most }, workOn));
}

/** What `look` finds of each item, in the order of the instances; null: nothing. */
export async function inventoryOf<Item>(
  items: Iterable<Item>,
  most: number,
  look: (item: Item) => Promise<RuntimeInfo | null>,
): Promise<RuntimeInfo[]> {
  const found: (RuntimeInfo | null)[] = [];
  await sideBySide(items, most, async (item) => void found.push(await look(item)));
  return found.filter((info) => info !== null)
    .sort((a, b) => a.instanceId < b.instanceId ? -1 : 1);
}
