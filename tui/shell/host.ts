/** What the terminal UI has of the machine besides the fleet, as a port: tests bring their own. */
import type { Clock } from "../../events/clock.ts";
import type { Ids } from "../../events/ids.ts";
import type { Capabilities } from "../theme.ts";

export interface TuiHost {
  clock: Clock;
  ids: Ids;
  terminal: Capabilities;
  /** Raw, past what draws the screen: for sequences that move nothing. */
  write(text: string): void;
  /**
   * Stops the program as Ctrl-Z does; resolves when it goes on. The screen has been given back before. False, and at
   * once, where nobody would wake it again.
   */
  stop(): Promise<boolean>;
  /**
   * Opens `text` in the person's editor; gives what was saved. The screen has been given back before.
   * @throws {OperationalError} `editor_failed`
   */
  edit(text: string, suffix: string): Promise<string>;
  /** @throws {OperationalError} `file_exists`, `file_unwritable` */
  saveNew(path: string, text: string): Promise<void>;
  /** A fault of our own; the UI goes on. */
  onBug(error: unknown): void;
}
