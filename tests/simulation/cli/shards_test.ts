/** Threads that run seeds: one that hangs or ends is not waited for without end. */
import { assertEquals, assertRejects } from "@std/assert";
import { ENDS, openShard } from "./shards.ts";

/** A thread's module: answers even seeds, and does `otherwise` with odd ones. */
function moduleOf(otherwise: string): URL {
  const code = `self.onmessage = ({ data: { seed, selection } }) => {
    if (seed % 2 === 1) { ${otherwise} }
    self.postMessage({ seed, form: selection.form });
  };`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

Deno.test("a seed is run on its thread with the selection, and the thread is used again", async () => {
  const shard = openShard(moduleOf(""), { form: "redis" }, 60);
  try {
    for (const seed of [2, 3, 4]) {
      assertEquals(await shard.run(seed) as unknown, { seed, form: "redis" });
    }
  } finally {
    shard.close();
  }
});

Deno.test("a seed that never ends is a violation, and the next one gets another thread", async () => {
  const shard = openShard(moduleOf("for (;;);"), {}, 1);
  try {
    const { violation } = await shard.run(3);
    assertEquals(violation, { invariant: ENDS, found: "no end after 1 s" });
    assertEquals((await shard.run(4)).seed, 4);
  } finally {
    shard.close();
  }
});

Deno.test("a thread that ends by an error of its own ends the run loudly", async () => {
  const shard = openShard(moduleOf("throw new Error('broken')"), {}, 60);
  try {
    await assertRejects(() => shard.run(5), Error, "seed 5");
  } finally {
    shard.close();
  }
});
