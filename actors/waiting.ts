/** Waiting for the end of one command, outside every mailbox. Design §3 step 6. */
import type { Clock } from "../events/clock.ts";
import type { PendingReply } from "../events/command_bus.ts";
import type { RecordedEvent } from "../events/envelope.ts";
import type { InstanceTable } from "./instance_table.ts";

/** The end of one command, from the reply channel or from the log, whichever is first. Listens from its making on. */
export class Waiting {
  private readonly found: Promise<RecordedEvent | null>;
  private readonly cancel: () => void;
  private lost = false;

  constructor(table: InstanceTable, readonly commandId: string, reply: PendingReply | null) {
    let resolve!: (event: RecordedEvent | null) => void;
    this.found = new Promise((found) => resolve = found);
    this.cancel = table.whenEnded(commandId, (event) => {
      this.lost = event === null;
      resolve(event);
    });
    reply?.ended.then(resolve);
  }

  /** The log has been folded anew since: what is appended now must be waited for anew. */
  get isLost(): boolean {
    return this.lost;
  }

  /** The ending event; null when `patienceMs` is over first, or the log has lost the command. */
  end(clock: Clock, patienceMs: number): Promise<RecordedEvent | null> {
    return new Promise((resolve) => {
      const stopTimer = clock.after(patienceMs, () => resolve(null));
      this.found.then((event) => {
        stopTimer();
        resolve(event);
      });
    });
  }

  close(): void {
    this.cancel();
  }
}
