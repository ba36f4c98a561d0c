/** The live commands by id and by instance, in memory; each write goes through to where they survive. */
import type { CommandRow, CommandTable } from "./tables.ts";
import { JournaledMap, type UndoJournal } from "./undo_journal.ts";

/** Where live commands survive the process. Memory has no such place. */
export interface CommandStore {
  add(row: CommandRow, text: string): void;
  change(row: CommandRow): void;
  remove(row: CommandRow): void;
}

const NONE: readonly CommandRow[] = [];

export class LiveCommands implements CommandTable {
  readonly #byId: JournaledMap<string, CommandRow>;
  readonly #byInstance: JournaledMap<string, readonly CommandRow[]>;

  constructor(journal: UndoJournal, private readonly store: CommandStore | null) {
    this.#byId = new JournaledMap(journal);
    this.#byInstance = new JournaledMap(journal);
  }

  get size(): number {
    return this.#byId.size;
  }

  get(commandId: string): CommandRow | undefined {
    return this.#byId.get(commandId);
  }

  of(instanceId: string): readonly CommandRow[] {
    return this.#byInstance.get(instanceId) ?? NONE;
  }

  all(): Iterable<CommandRow> {
    return this.#byId.values();
  }

  add(row: CommandRow, text: string): void {
    this.load(row);
    this.store?.add(row, text);
  }

  /** Puts a row that the store has already; at opening. */
  load(row: CommandRow): void {
    const { messageId, instanceId } = row.command;
    this.#byId.set(messageId, row);
    this.#byInstance.set(instanceId, [...this.of(instanceId), row]);
  }

  change(row: CommandRow): void {
    const { messageId, instanceId } = row.command;
    this.#byId.set(messageId, row);
    this.#byInstance.set(
      instanceId,
      this.of(instanceId).map((other) => other.command.messageId === messageId ? row : other),
    );
    this.store?.change(row);
  }

  remove(commandId: string): void {
    const row = this.#byId.get(commandId);
    if (!row) return;
    this.#byId.delete(commandId);
    const others = this.of(row.command.instanceId).filter((other) => other !== row);
    if (others.length > 0) this.#byInstance.set(row.command.instanceId, others);
    else this.#byInstance.delete(row.command.instanceId);
    this.store?.remove(row);
  }
}
