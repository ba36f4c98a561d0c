/** Where the live commands survive: written through, read once at opening. */
import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Command } from "../../events/commands.ts";
import { freezeDeep } from "../embedded/frozen.ts";
import type { CommandStore, LiveCommands } from "../embedded/live_commands.ts";
import type { Accepted, CommandRow } from "../embedded/tables.ts";

export class SqliteCommands implements CommandStore {
  readonly #add: StatementSync;
  readonly #change: StatementSync;
  readonly #remove: StatementSync;

  constructor(database: DatabaseSync) {
    this.#add = database.prepare(
      "INSERT INTO commands (ordinal, command, site, enqueued_at, accept_by, deliveries) VALUES (?,?,?,?,?,?)",
    );
    this.#change = database.prepare(
      "UPDATE commands SET site = ?, deliveries = ?, accepted = ? WHERE ordinal = ?",
    );
    this.#remove = database.prepare("DELETE FROM commands WHERE ordinal = ?");
  }

  add(row: CommandRow, text: string): void {
    const { order, command, enqueuedAt, acceptBy, deliveries } = row;
    this.#add.run(order, text, command.site, enqueuedAt, acceptBy, deliveries);
  }

  change({ order, command, deliveries, accepted }: CommandRow): void {
    this.#change.run(command.site, deliveries, accepted && JSON.stringify(accepted), order);
  }

  remove(row: CommandRow): void {
    this.#remove.run(row.order);
  }
}

/** Fills `commands` with what the file has. */
export function loadCommands(database: DatabaseSync, commands: LiveCommands): void {
  for (const row of database.prepare("SELECT * FROM commands ORDER BY ordinal").all()) {
    const command = JSON.parse(row.command as string) as Command;
    const accepted = row.accepted === null ? null : JSON.parse(row.accepted as string) as Accepted;
    commands.load({
      command: freezeDeep({ ...command, site: row.site as string | null }),
      order: row.ordinal as number,
      enqueuedAt: row.enqueued_at as number,
      acceptBy: row.accept_by as number,
      deliveries: row.deliveries as number,
      accepted,
    });
  }
}
