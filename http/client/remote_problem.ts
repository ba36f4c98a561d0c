/** What can go wrong with a request to a control plane, as typed errors: it was refused, or no answer came. */
import { OperationalError } from "../../events/errors.ts";
import type { Json, JsonObject } from "../../events/json.ts";

/** One fault of a request, with where it is. */
export interface RemoteFault {
  path: string;
  message: string;
}

/** The control plane answered, and the answer is a problem (RFC 9457). `message` is its detail. */
export class RemoteProblem extends OperationalError {
  override name = "RemoteProblem";

  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What kind of problem it is, in words. */
    readonly title: string,
    /** All that the problem tells. */
    readonly members: JsonObject,
    /** How long to wait before another try, as the answer's `Retry-After` has it; null: it names none. */
    readonly retryAfterMs: number | null,
  ) {
    super(
      textOf(members.code, "unexpected_answer"),
      textOf(members.detail, title),
      members.retryable === true,
      textOf(members.hint, ""),
    );
  }

  /** What is wrong with the request, one entry a fault. */
  get faults(): RemoteFault[] {
    const { faults } = this.members;
    return Array.isArray(faults) ? faults as unknown as RemoteFault[] : [];
  }
}

/** No answer came. Codes: `unreachable`, `answer_lost`, `no_answer`. */
export class NoAnswer extends OperationalError {
  override name = "NoAnswer";

  constructor(
    code: "unreachable" | "answer_lost" | "no_answer",
    message: string,
    hint: string,
    options?: ErrorOptions,
  ) {
    super(code, message, true, hint, options);
  }
}

/** How a failed `fetch` says that it never had a connection, so that nothing of the request can have arrived. */
const NEVER_CONNECTED =
  /client error \(Connect\)|tcp connect error|dns error|connection refused|requests to port \d+ are blocked/i;

/** An error that `fetch` has thrown, as what it means for the request. */
export function noAnswerOf(error: unknown, url: string): NoAnswer {
  const reason = innermostReason(error);
  if (NEVER_CONNECTED.test(textOfError(error))) {
    return new NoAnswer(
      "unreachable",
      `No control plane answers at ${url}: ${reason}.`,
      "`deno task start` begins one here; DRAAS_URL says where another one is.",
      { cause: error },
    );
  }
  return new NoAnswer(
    "answer_lost",
    `The connection to ${url} broke before the answer was there: ${reason}.`,
    "Look at what became of it before you ask again.",
    { cause: error },
  );
}

/** The answer took longer than the client waits. */
export function lateAnswer(url: string, limitMs: number): NoAnswer {
  return new NoAnswer(
    "no_answer",
    `${url} gave no answer within ${Math.round(limitMs / 1_000)} s.`,
    "Look at what became of it, and ask again with a longer --timeout.",
  );
}

/** A stream was ended that was to go on: its server is about to end, or something between has had enough. */
export function endedStream(url: string): NoAnswer {
  return new NoAnswer(
    "answer_lost",
    `${url} ended the stream.`,
    "Call it again; perhaps the control plane is ending.",
  );
}

/** An answer that is not a success, with its body's text. */
export function problemOfAnswer(response: Response, text: string, url: string): RemoteProblem {
  const members = jsonObjectOf(text);
  const { status } = response;
  const retryAfterMs = retryAfterOf(response.headers.get("retry-after"));
  if (members !== null && typeof members.code === "string") {
    return new RemoteProblem(status, textOf(members.title, "Refused"), members, retryAfterMs);
  }
  return notOurs(status, `It answered with HTTP ${status} and no problem+json.`, url, retryAfterMs);
}

/** A success whose body is not what the API sends. */
export function strangeAnswer(status: number, url: string): RemoteProblem {
  return notOurs(status, "It answered, but not as a control plane does.", url, null);
}

function notOurs(
  status: number,
  detail: string,
  url: string,
  retryAfterMs: number | null,
): RemoteProblem {
  return new RemoteProblem(status, "This is not an answer of DRaaS", {
    code: "unexpected_answer",
    detail,
    hint: `See what ${url} is: DRAAS_URL must be the address of a control plane.`,
  }, retryAfterMs);
}

/** Seconds; the API sends no dates. */
function retryAfterOf(header: string | null): number | null {
  return header !== null && /^\d{1,6}$/.test(header) ? Number(header) * 1_000 : null;
}

function jsonObjectOf(text: string): JsonObject | null {
  try {
    const value: Json = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? value : null;
  } catch {
    // A proxy's page: who called says that it is no problem of ours.
    return null;
  }
}

function textOf(value: Json | undefined, otherwise: string): string {
  return typeof value === "string" && value !== "" ? value : otherwise;
}

function textOfError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined
    ? error.message
    : `${error.message}: ${textOfError(error.cause)}`;
}

/** Of `error sending request …: client error (Connect): tcp connect error: Connection refused (os error 111)` the end. */
function innermostReason(error: unknown): string {
  const last = textOfError(error).split(": ").at(-1) ?? "";
  return last.replace(/ \(os error \d+\)$/, "").replace(/\.$/, "") || "no reason was given";
}
