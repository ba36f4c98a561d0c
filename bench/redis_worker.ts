/** One contestant's worker in a process of its own: `redis_worker.ts <contestant> <url>`; it ends with its standard input. */
import { type Contestant, work } from "./redis_askers.ts";

const [who = "", url = ""] = Deno.args;
void work(who as Contestant, url, () => {
  Deno.stdout.writeSync(new TextEncoder().encode("ready\n"));
});
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
