/** A child that is let go must never end its worker. */
import { assertEquals, assertThrows } from "@std/assert";
import { letGo } from "../../workers/process/let_go.ts";

Deno.test("a child that has ended at this very moment is let go without a word", () => {
  letGo({
    unref() {
      throw new Deno.errors.BadResource("Bad resource ID");
    },
  });
});

Deno.test("any other failure to let a child go is told", () => {
  const failing = () =>
    letGo({
      unref() {
        throw new TypeError("something else");
      },
    });
  assertEquals(assertThrows(failing, TypeError).message, "something else");
});

Deno.test("a child that has ended, and of whose end everybody knows, can still be let go", async () => {
  const child = new Deno.Command("true").spawn();
  assertEquals((await child.status).success, true);
  letGo(child);
});
