/** Everything that the command line has of the machine that it runs on, as a port: tests bring their own. */
import type { Clock } from "../events/clock.ts";
import type { Ids, Randomness } from "../events/ids.ts";
import type { FleetPort } from "../http/client/fleet_port.ts";
import type { ClientEnvironment } from "../settings/client_settings.ts";

/** Where text goes. */
export interface TextSink {
  /** Drops it where the stream is closed. */
  write(text: string): void;
  /** Whoever read it has enough, as in `draas list | head`. */
  readonly isClosed: boolean;
  isTerminal: boolean;
  /** Of the terminal, at this moment; any number where there is none. */
  columns(): number;
  rows(): number;
}

/** The file in which a user keeps contexts. */
export interface ContextFile {
  /** Null: it is not known whose it would be. */
  path: string | null;
  /**
   * Null: there is none.
   * @throws {OperationalError} `file_unreadable`
   */
  read(): Promise<{ text: string; isPrivate: boolean } | null>;
  /**
   * Puts it there whole, for its owner alone.
   * @throws {OperationalError} `file_unwritable`
   */
  write(text: string): Promise<void>;
}

/** The machine. Production: `cli/draas.ts`. */
export interface CliHost {
  /** Data, and nothing else. */
  stdout: TextSink;
  /** What is said besides. */
  stderr: TextSink;
  stdin: {
    isTerminal: boolean;
    /** All of it. */
    text(): Promise<string>;
    /** The next line that a person types; null at the end. */
    line(): Promise<string | null>;
  };
  fetch(request: Request): Response | Promise<Response>;
  /** @throws {OperationalError} `file_unreadable` */
  readTextFile(path: string): Promise<string>;
  contextFile: ContextFile;
  /** Shows a fleet on the whole terminal until a person leaves it. */
  showFleet(fleet: FleetPort): Promise<void>;
  /** From now on Ctrl-C calls `run` and does not end the program; the function that comes back ends that. */
  onInterrupt(run: () => void): () => void;
  environment: ClientEnvironment;
  clock: Clock;
  ids: Ids;
  randomness: Randomness;
  /** A new secret of 256 random bits, in letters, digits, `-` and `_`. */
  newSecret(): string;
  /** The release. */
  version: string;
}
