/** Follows the fleet's log for as long as its reader lives, and knows at each moment whether it hears it. */
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import type { JsonObject } from "../../events/json.ts";
import type { EventAnswer } from "./answers.ts";
import type { Availability, FleetNews, FleetWatch } from "./fleet_port.ts";
import { followStream } from "./followed_stream.ts";
import type { RemoteOptions } from "./remote_call.ts";
import { strangeAnswer } from "./remote_problem.ts";
import type { SseMessage } from "./sse_messages.ts";

/** Who was refused may be let in later: a token is set right, a node is brought up to date. */
const REFUSED_PAUSE_MS = 5_000;
/** What the log was cut of, nobody can tell. */
const CUT = "log_truncated";

/** See `FleetPort.watch`. */
export function watchFleet(
  options: RemoteOptions,
  listener: (news: FleetNews) => void,
  after = "now",
): FleetWatch {
  return new Watch(options, listener, after);
}

class Watch implements FleetWatch {
  availability: Availability;
  private readonly leaving = new AbortController();

  constructor(
    private readonly options: RemoteOptions,
    private readonly listener: (news: FleetNews) => void,
    /** Where to go on: a position, or `now`. */
    private after: string,
  ) {
    this.availability = { kind: "connecting", since: options.clock.now(), error: null };
    void this.run();
  }

  close(): void {
    this.leaving.abort();
  }

  private async run(): Promise<void> {
    const { signal } = this.leaving;
    while (!signal.aborted) {
      try {
        await this.follow();
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        this.lose(error);
        if (error.code !== CUT) await sleep(this.options.clock, REFUSED_PAUSE_MS, signal);
        else if (!signal.aborted) this.passOver(error.code, error.message, "now");
      }
    }
  }

  /** @throws {OperationalError} when it is no use to go on at once */
  private async follow(): Promise<void> {
    const { signal } = this.leaving;
    const onRetry = (error: unknown) => {
      if (error instanceof OperationalError) this.lose(error);
    };
    const messages = followStream({ ...this.options, onRetry }, {
      path: "/api/events",
      query: { after: this.after },
      signal,
      isEndless: true,
    });
    for await (const message of messages) {
      if (signal.aborted) return;
      this.take(message, this.dataOf(message));
    }
  }

  private take({ event, id }: SseMessage, data: JsonObject): void {
    const { code, detail, retryable, hint } = data;
    if (event === "error") {
      const error = new OperationalError(
        String(code),
        String(detail),
        retryable === true,
        String(hint ?? ""),
      );
      if (!error.retryable) throw error;
      return this.lose(error);
    }
    if (event === "gap") return this.passOver(String(code), String(detail), id);
    this.after = id;
    if (event === "connected") this.become({ kind: "live", since: this.options.clock.now() });
    else this.listener({ kind: "event", event: data as EventAnswer & JsonObject });
  }

  private passOver(code: string, detail: string, after: string): void {
    this.after = after;
    this.listener({ kind: "gap", code, detail });
  }

  /** Since when: from the moment on in which it was lost, whatever is tried and fails after that. */
  private lose(error: OperationalError): void {
    if (this.leaving.signal.aborted) return;
    const { kind, since } = this.availability;
    if (kind === "live") {
      this.become({ kind: "reconnecting", since: this.options.clock.now(), error });
    } else this.become({ kind, since, error });
  }

  private become(availability: Availability): void {
    const before = this.availability;
    this.availability = availability;
    const isNews = before.kind !== availability.kind || codeOf(before) !== codeOf(availability);
    if (isNews) this.listener({ kind: "availability", availability });
  }

  private dataOf({ data }: SseMessage): JsonObject {
    try {
      return JSON.parse(data);
    } catch {
      throw strangeAnswer(200, this.options.url);
    }
  }
}

function codeOf(availability: Availability): string | undefined {
  return availability.kind === "live" ? undefined : availability.error?.code;
}
