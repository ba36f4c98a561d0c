/** What each user has been told of each instance: what one session reads never goes back. */
import { comparePositions, type Position, START } from "../../events/envelope.ts";
import type { Asked } from "../history/history_checker.ts";

/** A way to the API: one node's. */
export interface Door {
  url: string;
  client: Deno.HttpClient;
}

/** The newest that a session knows of an instance. */
interface Known {
  position: Position;
  version: number;
}

const READ_WITHIN_MS = 60_000;

/** All users' sessions, and the reads in them. */
export class Sessions {
  readonly faults: string[] = [];
  reads = 0;
  readonly #known = new Map<string, Known>();

  /** A session was told of what it had asked for. */
  learn(session: number, { answer }: Asked): void {
    const { instanceId, position } = answer ?? { instanceId: null, position: null };
    if (instanceId === null || position === null) return;
    const known = this.#of(session, instanceId);
    if (comparePositions(position, known.position) > 0) known.position = position;
  }

  /** Reads an instance by a node that must know at least what this session was told by any other. */
  async read({ url, client }: Door, session: number, instanceId: string): Promise<void> {
    const { position, version } = this.#of(session, instanceId);
    try {
      const at = `${url}/api/server/instances/${instanceId}?atLeast=${position}`;
      const response = await fetch(at, { client, signal: AbortSignal.timeout(READ_WITHIN_MS) });
      const body = await response.json();
      if (response.status !== 200) return;
      this.reads++;
      const read = {
        position: response.headers.get("draas-position") ?? START,
        version: body.version as number,
      };
      if (comparePositions(read.position, position) < 0 || read.version < version) {
        this.faults.push(
          `session ${session} reads ${instanceId} at ${read.position} (version ${read.version}) from ${url}, and knew ` +
            `it at ${position} (version ${version})`,
        );
      }
      this.#learnRead(session, instanceId, read);
    } catch (error) {
      if (!isLost(error)) throw error;
    }
  }

  #learnRead(session: number, instanceId: string, read: Known): void {
    const known = this.#of(session, instanceId);
    // Of two reads at once the later answer may be the older one.
    if (comparePositions(read.position, known.position) > 0) known.position = read.position;
    known.version = Math.max(known.version, read.version);
  }

  #of(session: number, instanceId: string): Known {
    const key = `${session} ${instanceId}`;
    const known = this.#known.get(key) ?? { position: START, version: 0 };
    this.#known.set(key, known);
    return known;
  }
}

/** Whether a call ended without an answer: nobody listens, the connection broke, or it took too long. */
export function isLost(error: unknown): boolean {
  return error instanceof TypeError || error instanceof Deno.errors.Http ||
    error instanceof SyntaxError ||
    error instanceof DOMException && ["TimeoutError", "AbortError"].includes(error.name);
}
