/** What the ledger still knows of what rollbacks have taken. */
import { assertEquals } from "@std/assert";
import type { RecordedEvent } from "../../events/envelope.ts";
import { History } from "../support/recorded.ts";
import { Ledger } from "./ledger.ts";

Deno.test("a position that was given twice and lost twice is known of both instances that had it", () => {
  const ledger = new Ledger();
  const [created] = new History().created().events;
  const lose = (instanceId: string) => {
    const event = { ...created!, instanceId } as RecordedEvent;
    ledger.add(ledger.prepare({ event, writtenAt: 1, clockAt: 1 }));
    ledger.rollBack(new Set([event.position]), 2);
  };
  lose("first");
  lose("second");
  const known = ["first", "second"].map((one) => ledger.findOf(one, created!.position));
  assertEquals(known.map((entry) => entry?.event.instanceId), ["first", "second"]);
  assertEquals(ledger.allOf("first", created!.position).length, 1);
});
