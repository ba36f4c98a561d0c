/** What a client asks of fleet files: their difference, to apply them, and the fleet as files. docs/fleet.md */
import type { JsonObject } from "../../events/json.ts";
import type { ApplyLine, PlanAnswer } from "./answers.ts";
import { callRemote, objectOf, type RemoteOptions } from "./remote_call.ts";
import { toldLines } from "./told_lines.ts";

/** How a fleet file is applied; what is not said is as the API has it. */
export interface ApplyWish {
  key: string;
  prune: boolean;
  keepGoing: boolean;
  parallel: number;
  maxUnavailable?: string | undefined;
  timeoutMs?: number | undefined;
  /** Nothing is done where the plan is not this one any more. */
  plan?: string | undefined;
}

const FLEET = "/api/fleet";
const LIMIT_MS = 60_000;

/** Every method throws `RemoteProblem` when it is refused, and `NoAnswer` when no answer came. */
export class FleetCalls {
  constructor(private readonly options: RemoteOptions) {}

  /** What a file would change; nothing is done. */
  async diff(file: JsonObject, prune: boolean): Promise<PlanAnswer> {
    const reply = await callRemote(this.options, {
      method: "POST",
      path: `${FLEET}/diff`,
      query: { prune: String(prune) },
      body: file,
      repetition: "idempotent",
      limitMs: LIMIT_MS,
    });
    return objectOf(reply, this.options.url, hasItems) as unknown as PlanAnswer;
  }

  /** Applies a file: lines as it goes, the last one of the type `end`. An abort of `signal` begins nothing more. */
  apply(file: JsonObject, wish: ApplyWish, signal: AbortSignal): AsyncGenerator<ApplyLine> {
    const { key, prune, keepGoing, parallel, maxUnavailable, timeoutMs, plan } = wish;
    const query = {
      prune: String(prune),
      keepGoing: String(keepGoing),
      parallel: String(parallel),
      maxUnavailable,
      timeout: timeoutMs === undefined ? undefined : `${timeoutMs}ms`,
      plan,
    };
    return toldLines(this.options, { path: `${FLEET}/apply`, query, body: file, key, signal });
  }

  /** The fleet as files: those of one fleet, or of all, and of what no fleet has made. */
  async files(fleet?: string): Promise<JsonObject[]> {
    const reply = await callRemote(this.options, {
      method: "GET",
      path: FLEET,
      query: { fleet },
      repetition: "idempotent",
      limitMs: LIMIT_MS,
    });
    return objectOf(reply, this.options.url, hasItems).items as JsonObject[];
  }
}

const hasItems = ({ items }: JsonObject) => Array.isArray(items);
