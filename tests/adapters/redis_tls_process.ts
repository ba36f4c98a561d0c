/** Opens a broker on its argument and appends once, in a process that trusts what `DENO_CERT` names; says what it came to. */
import { batch } from "../contracts/broker_samples.ts";
import { brokerAt } from "./redis_fault_world.ts";

if (import.meta.main) {
  let said: string;
  try {
    const broker = await brokerAt(Deno.args[0] ?? "", "test");
    said = (await broker.log.append(batch("i-1", 0))).kind;
    await broker.close();
  } catch (error) {
    said = (error as { code?: string }).code ?? String(error);
  }
  Deno.stdout.writeSync(new TextEncoder().encode(said));
}
