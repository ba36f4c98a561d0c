/**
 * The leases of this site: one file says when the log last heard the worker, and every shim whose run has a lease reads
 * it. One write a beat, however many servers there are. Design §4 rule 8.
 */
import type { Leases } from "../platform.ts";
import type { ProcessTable } from "./process_table.ts";

export class SiteLeases implements Leases {
  readonly #path: string;
  #isHeld = false;

  /** @param dataRoot absolute; the shims look there for `heard` */
  constructor(private readonly table: ProcessTable, dataRoot: string) {
    this.#path = `${dataRoot}/heard`;
  }

  areHeld(): boolean {
    return this.#isHeld;
  }

  /** From now on a run here has a lease. */
  hold(): void {
    this.#isHeld = true;
  }

  async now(): Promise<number> {
    return await this.table.uptimeCs() * 10;
  }

  /** Written whole or not at all. A full disk keeps it from being written: then the servers' leases go on counting. */
  async heard(asOfMs: number): Promise<void> {
    const text = `${await this.table.bootId()} ${Math.floor(asOfMs / 10)}\n`;
    try {
      Deno.writeTextFileSync(`${this.#path}.new`, text, { mode: 0o600 });
      Deno.renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // The next beat tries again; a run that is ended meanwhile says why.
    }
  }
}
