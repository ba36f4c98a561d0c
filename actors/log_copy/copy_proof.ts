/** The fold beside a copy that is written or read: the digest of what each instance is, and what does not fit. */
import type { Position, RecordedEvent } from "../../events/envelope.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { JsonObject } from "../../events/json.ts";
import type { CopiedEvent } from "../../events/log_copy.ts";
import {
  isReadable,
  passedOver,
  type StoredEvent,
  upcast,
  upcastChecked,
} from "../../events/upcast.ts";
import { storedState } from "../../machines/evolve.ts";
import { type LogDifference, LogProof } from "../log_verification.ts";
import { stateDigest } from "./copy_lines.ts";

/** What a fold of the copied events makes, and how they hang together. */
export class CopyProof {
  readonly #proof = new LogProof(null);
  /** Each instance's newest event, and how far it has come. */
  readonly #newest = new Map<string, { position: Position; version: number }>();
  #last: Position;

  /** @param begins where the copied log begins: what lies before it was cut */
  constructor(private readonly begins: Position) {
    this.#last = begins;
  }

  /** How many instances have events. */
  get instances(): number {
    return this.#newest.size;
  }

  /** How many things do not fit. */
  get differenceCount(): number {
    return this.#proof.report(this.begins, this.#last).differenceCount;
  }

  /** The first of them. */
  get differences(): readonly LogDifference[] {
    return this.#proof.report(this.begins, this.#last).differences;
  }

  /**
   * The next event.
   * @throws {OperationalError} `log_from_newer_version`; `log_damaged` for one that cannot be folded
   */
  take(copied: CopiedEvent): void {
    const event = this.#eventOf(copied);
    const { instanceId, position, version, previous } = event;
    const before = this.#newest.get(instanceId);
    if (!before && previous === null && version !== 1) {
      this.differ(instanceId, position, `its first event has the version ${version}`, "log");
    }
    this.#newest.set(instanceId, { position, version });
    try {
      this.#proof.take(event, this.begins);
    } catch (error) {
      // Folds are total, but for a baseline that holds no state.
      throw unreadable(copied, reasonOf(error), error);
    }
    this.#last = position;
  }

  /** Where an instance's newest event is and which version it gave; undefined for one that has none. */
  newest(instanceId: string): { position: Position; version: number } | undefined {
    return this.#newest.get(instanceId);
  }

  /** The digest of what the events so far make of an instance; null for one that cannot be folded. */
  digestOf(instanceId: string): string | null {
    const state = this.#proof.states.get(instanceId);
    return state ? stateDigest(storedState(state)) : null;
  }

  /** Remembers something that does not fit. */
  differ(
    instanceId: string,
    position: Position,
    message: string,
    where: LogDifference["where"] = "copy",
  ): void {
    this.#proof.differ(instanceId, position, where, message);
  }

  /** The position of the event that was taken last; where the copy begins before there was one. */
  get last(): Position {
    return this.#last;
  }

  /** As a node reads it; what its schema does not allow is remembered, and folded as a node folds it. */
  #eventOf(copied: CopiedEvent): RecordedEvent {
    const stored = storedFrom(copied);
    if (copied.ignorable && !isReadable(stored)) return passedOver(stored);
    try {
      return upcastChecked(stored);
    } catch (error) {
      if (!(error instanceof OperationalError) || error.code !== "log_damaged") throw error;
      this.differ(stored.instanceId, stored.position, reasonOf(error), "log");
      return upcast(stored);
    }
  }
}

/** @throws {OperationalError} `log_damaged` for what is not JSON */
function storedFrom({ ignorable: _, ...event }: CopiedEvent): StoredEvent {
  try {
    return { ...event, data: JSON.parse(event.data) as JsonObject, meta: JSON.parse(event.meta) };
  } catch (error) {
    throw unreadable(event, "it is not JSON", error);
  }
}

function unreadable(
  { type, position }: Pick<CopiedEvent, "type" | "position">,
  why: string,
  cause: unknown,
): OperationalError {
  return new OperationalError(
    "log_damaged",
    `The event ${type} at ${position} is damaged: ${why}.`,
    false,
    "Put back a copy of the log from before the damage.",
    { cause },
  );
}
