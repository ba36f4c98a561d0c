/** Sends drawn requests to a real API, one group after the other, and says what is wrong with its answers. */
import fc from "fast-check";
import type { DocumentedApi, Operation } from "../support/documented_api.ts";
import { type ApiWorld, TEST_INSTANCE } from "../support/api_world.ts";
import { bearer, tokenOf } from "../support/tokens.ts";
import type { FaultySystem, InjectedFault } from "./faulty_system.ts";
import type { FuzzedRequest } from "./requests.ts";
import type { Tally } from "./tally.ts";

/** What happens next: requests at the same time, or something to the worker that is asked. */
export type Step =
  | { requests: readonly FuzzedRequest[]; fault?: InjectedFault }
  | { worker: "runs" | "is away" | "fails" };

const WORKER: fc.Arbitrary<Step> = fc.constantFrom<Step>(
  { worker: "runs" },
  { worker: "is away" },
  { worker: "fails" },
);

/** Steps of these requests. */
export function stepsOf(requests: fc.Arbitrary<FuzzedRequest>): fc.Arbitrary<Step[]> {
  const group = fc.array(requests, { minLength: 1, maxLength: 3 }).map((all): Step => ({
    requests: all,
  }));
  return fc.array(
    fc.oneof({ weight: 40, arbitrary: group }, { weight: 1, arbitrary: WORKER }),
    { minLength: 1, maxLength: STEPS_MAX, size: "max" },
  );
}

/** Steps of one request each, most of which meet a fault of the log or of a site. */
export function faultySteps(requests: fc.Arbitrary<FuzzedRequest>): fc.Arbitrary<Step[]> {
  const fault = fc.record({ call: fc.nat(3), which: fc.nat(10) });
  const one = fc.record({ requests: fc.tuple(requests) }, { requiredKeys: ["requests"] });
  const faulty = fc.record({ requests: fc.tuple(requests), fault });
  return fc.array(
    fc.oneof({ weight: 1, arbitrary: one }, { weight: 2, arbitrary: faulty }),
    { minLength: 1, maxLength: STEPS_MAX, size: "max" },
  );
}

/** Of a run: each has a world to make, and a worker to take leave of, which takes a second. */
const STEPS_MAX = 120;
/** The instance of the document's examples. */
const SHOWN_ID = "inst-1b2c3d";

/** The two that `phase-2.5.md` demands: nobody took the command in time, and what the worker says. */
const TIMED_OUT = "Operation timed out";
const INVALID = "Configuration is invalid: ";
const WORKER_SAYS = {
  code: "configuration_invalid",
  message: `${INVALID}host: must be an IPv4 address or localhost`,
  retryable: false,
};

/** One run of steps in a world of its own. */
export class Play {
  /** Instances that there are, or were. */
  private readonly ids: string[] = [];
  private isWorking = false;

  constructor(
    private readonly world: ApiWorld,
    private readonly api: DocumentedApi,
    private readonly tally: Tally,
    private readonly faulty: FaultySystem | null = null,
  ) {}

  /**
   * @param isOver whether the rest may be left out
   * @throws {Error} the first thing that is wrong
   */
  async run(steps: readonly Step[], isOver: () => boolean): Promise<void> {
    await this.setWorker("runs");
    await this.haveInstances();
    for (const step of steps) {
      if (isOver()) return;
      if ("worker" in step) await this.setWorker(step.worker);
      else {
        this.faulty?.inject(step.fault ?? null);
        await Promise.all(step.requests.map((request) => this.send(request)));
      }
      const [bug] = this.world.bugs;
      if (bug !== undefined) throw new Error("a bug was reported", { cause: bug });
    }
  }

  /** One that runs, and one that does not. */
  private async haveInstances(): Promise<void> {
    const path = "/api/server/instances";
    const headers = bearer(tokenOf("admin"));
    for (const _ of ["running", "created"]) {
      const { json } = await this.world.call(`POST ${path}`, { headers, body: TEST_INSTANCE });
      this.ids.push(json.id);
    }
    await this.world.call(`POST ${path}/${this.ids[0]}/start`, { headers });
  }

  private async setWorker(how: "runs" | "is away" | "fails"): Promise<void> {
    const { platform, startWorker, stopWorker } = this.world;
    platform.failure = how === "fails" ? WORKER_SAYS : null;
    if (how === "is away" && this.isWorking) await stopWorker();
    if (how !== "is away" && !this.isWorking) await startWorker();
    this.isWorking = how !== "is away";
  }

  private async send(drawn: FuzzedRequest): Promise<void> {
    const request = this.requestOf(drawn);
    const { pathname, searchParams } = new URL(request.url);
    const response = await this.world.app.fetch(request);
    const text = await textOf(response, request.method);
    const { status, headers } = response;
    const operation = this.api.operationAt(request.method, pathname);
    this.tally.count(operation, status);
    const faults = [
      ...this.api.faultsOf(request.method, pathname, { status, headers, text }),
      ...this.failureFaults(status, text, searchParams),
      ...(operation ? parameterFaults(operation, status, text, searchParams) : []),
      ...(headers.has("x-request-id") ? [] : ["it does not name its request"]),
      ...(status >= 400 && /\.ts:\d|\bat (async )?\w+ \(/.test(text)
        ? ["it tells of the inside"]
        : []),
    ];
    if (status === 201 && "id" in JSON.parse(text)) this.ids.push(JSON.parse(text).id);
    if (faults.length === 0) return;
    const told = `${request.method} ${pathname}${
      new URL(request.url).search
    } is answered ${status}`;
    throw new Error(`${told}: ${faults.join("; ")}\n${text.slice(0, 2_000)}`);
  }

  /** 500 and 503 have to have a reason outside of the API. */
  private failureFaults(status: number, text: string, query: URLSearchParams): string[] {
    if (status < 500) return [];
    if (text === "") return [];
    const { code, error, detail } = JSON.parse(text);
    if (this.faulty?.thrown === code && code !== undefined) return [];
    if (status === 500 && (error === TIMED_OUT || detail.startsWith(INVALID))) return [];
    if (status === 503 && code === "behind" && query.has("atLeast")) return [];
    if (status === 503 && code === "site_unreachable" && !this.isWorking) return [];
    return [`${status} ${code} was not asked for`];
  }

  private requestOf({ method, path, segments, query, headers, body }: FuzzedRequest): Request {
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => {
      const segment = segments[name];
      if (segment === undefined) return "x";
      if ("text" in segment) return encodeURIComponent(segment.text.toWellFormed());
      const known = path.startsWith("/api/workers/") ? ["worker-1"] : this.ids;
      return known[known.length - 1 - segment.known % known.length]!;
    });
    const url = new URL(filled, "http://localhost:4700");
    for (const [name, value] of query) url.searchParams.append(name, value);
    const sent = typeof body === "string" ? body.replaceAll(SHOWN_ID, this.ids.at(-1)!) : body;
    return new Request(url, { method, headers, ...(sent === null ? {} : { body: sent }) });
  }
}

/** The body; of a stream that goes on, its beginning. */
async function textOf(response: Response, method: string): Promise<string> {
  const isStream = /event-stream|ndjson/.test(response.headers.get("content-type") ?? "");
  if (!isStream || method !== "GET" || response.body === null) return await response.text();
  const reader = response.body.getReader();
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value);
}

/** That what is documented is known, and what is not is refused: the document has what checks. */
function parameterFaults(
  { path, definition }: Operation,
  status: number,
  text: string,
  query: URLSearchParams,
): string[] {
  if (!path.startsWith("/api/")) return [];
  const named: { in: string; name: string }[] = definition.parameters ?? [];
  const known = new Set(named.filter((one) => one.in === "query").map(({ name }) => name));
  const strange = [...query.keys()].filter((name) => !known.has(name));
  const passed = status < 300 && strange.length > 0
    ? [`it takes ${strange.join(", ")}, which is not documented`]
    : [];
  const faults: { path: string; message: string }[] = status === 400 && text !== ""
    ? JSON.parse(text).faults ?? []
    : [];
  const refused = faults.filter((fault) =>
    fault.message === "is not a known parameter" && known.has(fault.path.slice(1))
  );
  return [...passed, ...refused.map((fault) => `it does not know ${fault.path}`)];
}
