/** Reads a copy of a log line by line, and refuses it at the first line that is not as it was written. */
import { createHash } from "node:crypto";
import { comparePositions, START } from "../../events/envelope.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { CopiedCommand, CopiedEvent, CopiedWorker } from "../../events/log_copy.ts";
import { STATE_SCHEMA } from "../../machines/evolve.ts";
import type { LogDifference } from "../log_verification.ts";
import {
  type CopyHeader,
  type CopyItem,
  type InstanceLine,
  parseHeader,
  parseLine,
} from "./copy_lines.ts";
import { CopyProof } from "./copy_proof.ts";

/** What a whole copy says. */
export interface CopyRead {
  header: CopyHeader;
  digest: string;
  commands: readonly CopiedCommand[];
  workers: readonly CopiedWorker[];
  /** By instance: the digest of its state, as this release folds it. */
  states: ReadonlyMap<string, string>;
  /** Whether those could be compared with the copy's: another release may fold in another way. */
  statesCompared: boolean;
  differenceCount: number;
  differences: readonly LogDifference[];
}

/** The order of the lines. */
const ORDER: readonly CopyItem["kind"][] = ["event", "instance", "command", "worker", "end"];

/** One reading of one copy. Holds what each instance is, and no events. */
export class CopyReader {
  readonly #hash = createHash("sha256");
  readonly #states = new Map<string, string>();
  readonly #commands: CopiedCommand[] = [];
  readonly #workers: CopiedWorker[] = [];
  readonly #counts = { event: 0, instance: 0, command: 0, worker: 0, end: 0 };
  #proof = new CopyProof(START);
  #header: CopyHeader | null = null;
  #line = 0;
  #kind: CopyItem["kind"] = "event";
  #lastId = "";
  #digest: string | null = null;

  /** The first line; null before it was read. */
  get header(): CopyHeader | null {
    return this.#header;
  }

  /** How many events were read. */
  get events(): number {
    return this.#counts.event;
  }

  /**
   * The next line; gives what it says, null for the header.
   * @throws {OperationalError} `copy_damaged`, `log_from_newer_version`
   */
  take(line: string): CopyItem | null {
    this.#line++;
    if (this.#digest !== null) throw damaged("something comes after its last line");
    if (this.#header === null) {
      this.#header = this.#told(() => parseHeader(line), "not a copy that this release can read");
      this.#proof = new CopyProof(this.#header.begins);
      return null;
    }
    const item = this.#told(() => parseLine(line), "damaged");
    this.#count(item, this.#header);
    if (item.kind === "end") this.#end(item.end, this.#header);
    else this.#hash.update(`${line}\n`);
    if (item.kind === "event") this.#takeEvent(item.event, this.#header);
    if (item.kind === "instance") this.#takeInstance(item.instance, this.#header);
    if (item.kind === "command") this.#takeCommand(item.command);
    if (item.kind === "worker") this.#workers.push(item.worker);
    return item;
  }

  /**
   * What was read, once there are no more lines.
   * @throws {OperationalError} `copy_damaged` for one that was cut short
   */
  done(): CopyRead {
    const header = this.#header;
    if (header === null) throw damaged("it is empty");
    if (this.#digest === null) {
      throw damaged(
        `it ends with line ${this.#line}, and its last line is missing: it was cut short after ${this.#counts.event} of ${header.events} events`,
      );
    }
    const { differenceCount, differences } = this.#proof;
    return {
      header,
      digest: this.#digest,
      commands: this.#commands,
      workers: this.#workers,
      states: this.#states,
      statesCompared: header.stateSchema === STATE_SCHEMA,
      differenceCount,
      differences,
    };
  }

  #takeEvent(event: CopiedEvent, header: CopyHeader): void {
    const { position } = event;
    const { last } = this.#proof;
    const where = comparePositions(position, last);
    if (where === 0 && this.#counts.event > 1) {
      throw this.#bad(`the event at ${position} comes twice`);
    }
    if (where <= 0) throw this.#bad(`the event at ${position} comes after the one at ${last}`);
    if (comparePositions(position, header.head) > 0) {
      throw this.#bad(`the event at ${position} is from after the copy's end, ${header.head}`);
    }
    this.#proof.take(event);
  }

  #takeInstance(instance: InstanceLine, header: CopyHeader): void {
    const { instanceId, version, last, state } = instance;
    if (instanceId <= this.#lastId) {
      throw this.#bad(`the instance ${instanceId} comes after ${this.#lastId}`);
    }
    this.#lastId = instanceId;
    const newest = this.#proof.newest(instanceId);
    const ours = this.#proof.digestOf(instanceId);
    if (!newest || ours === null) {
      throw this.#bad(`the instance ${instanceId} cannot be folded from the events before it`);
    }
    this.#states.set(instanceId, ours);
    if (newest.position !== last || newest.version !== version) {
      this.#proof.differ(
        instanceId,
        last,
        `its record says version ${version} at ${last}, its events version ${newest.version} at ${newest.position}`,
      );
    } else if (header.stateSchema === STATE_SCHEMA && ours !== state) {
      this.#proof.differ(instanceId, last, "its state is not the one that was copied");
    }
  }

  #takeCommand(command: CopiedCommand): void {
    const { instanceId, messageId } = command.command;
    if (!this.#proof.newest(instanceId)) {
      throw this.#bad(`the command ${messageId} is for an instance that has no events`);
    }
    this.#commands.push(command);
  }

  /** Kinds come one after the other, and no more of each than the header says. */
  #count({ kind }: CopyItem, header: CopyHeader): void {
    if (ORDER.indexOf(kind) < ORDER.indexOf(this.#kind)) {
      throw this.#bad(`${kind} lines come before ${this.#kind} lines`);
    }
    this.#kind = kind;
    const most = {
      event: header.events,
      instance: header.instances,
      command: header.commands,
      worker: header.workers,
      end: 1,
    };
    if (++this.#counts[kind] > most[kind]) {
      throw this.#bad(
        `there are more ${kind} lines than the ${most[kind]} that the first line names`,
      );
    }
  }

  #end({ lines, digest }: { lines: number; digest: string }, header: CopyHeader): void {
    const { event, instance, command, worker } = this.#counts;
    const read =
      `${event} events, ${instance} instances, ${command} commands and ${worker} workers`;
    const isWhole = event === header.events && instance === header.instances &&
      command === header.commands && worker === header.workers && lines === this.#line - 2;
    if (!isWhole) {
      const { events, instances, commands, workers } = header;
      throw damaged(
        `lines are missing: it has ${read}, and was written with ${events}, ${instances}, ${commands} and ${workers}`,
      );
    }
    this.#digest = this.#hash.digest("hex");
    if (this.#digest !== digest) {
      const [first] = this.#proof.differences;
      const hint = first
        ? `; the first that does not fit is at ${first.position}: ${first.message}`
        : "";
      throw damaged(`a byte in it is not as it was written: its digest is another one${hint}`);
    }
    if (instance !== this.#proof.instances) {
      throw damaged(`${this.#proof.instances} instances have events, and ${instance} a record`);
    }
    const { last } = this.#proof;
    if (last !== header.head) {
      throw damaged(`its last event is at ${last}, and should be at ${header.head}`);
    }
  }

  #told<T>(parse: () => T, what: string): T {
    try {
      return parse();
    } catch (error) {
      if (error instanceof OperationalError) throw error;
      throw damaged(`line ${this.#line} is ${what}: ${reasonOf(error)}`);
    }
  }

  #bad(why: string): OperationalError {
    return damaged(`line ${this.#line} is wrong: ${why}`);
  }
}

/** What is said of a file that is no copy, or not the one that was written. */
export function damaged(why: string): OperationalError {
  return new OperationalError(
    "copy_damaged",
    `This copy of a log cannot be used: ${why}.`,
    false,
    "Take another copy, or write it once more from the log (deno task log:export). Nothing was changed.",
  );
}
