/** Memory tables that can tell of a commit, so that a process can die right after it. */
import { MemoryTables } from "../../adapters/memory/memory_tables.ts";

export class CommittingTables extends MemoryTables {
  /** Called after each commit, before anybody hears of it. */
  onCommitted: () => void = () => {};
  /** The same, for whoever only looks. */
  onLook: () => void = () => {};

  override commit(): void {
    super.commit();
    this.onLook();
    this.onCommitted();
  }
}
