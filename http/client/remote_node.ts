/** The control plane that is asked, of itself: whether it lives, what its clock shows, whether it can serve. Design §6. */
import type { JsonObject } from "../../events/json.ts";
import type { LifeAnswer, ReadinessAnswer } from "./answers.ts";
import { type IsOurs, readReply } from "./remote_answer.ts";
import type { RemoteOptions } from "./remote_call.ts";
import { RemoteProblem } from "./remote_problem.ts";

const LIMIT_MS = 10_000;
const hasVersion: IsOurs = ({ version }) => typeof version === "string";
const hasReasons: IsOurs = ({ reasons }) => Array.isArray(reasons);

/** Each is asked once: who asks wants to know how it is now. Every method throws `NoAnswer` and `RemoteProblem`. */
export class RemoteNode {
  constructor(private readonly options: RemoteOptions) {}

  /** That it lives; needs no token. */
  async life(): Promise<LifeAnswer> {
    const { clock } = this.options;
    const begun = clock.monotonic();
    const { answer, dateMs } = await readReply<{ version: string }>(this.options, {
      path: "/healthz",
      limitMs: LIMIT_MS,
      isRepeated: false,
    }, hasVersion);
    return { version: answer.version, dateMs, tookMs: clock.monotonic() - begun };
  }

  /** Whether it can serve, and if not, why; needs no token. */
  async readiness(): Promise<ReadinessAnswer> {
    try {
      const read = { path: "/readyz", limitMs: LIMIT_MS, isRepeated: false };
      return (await readReply<ReadinessAnswer>(this.options, read, hasReasons)).answer;
    } catch (error) {
      const told = error instanceof RemoteProblem && error.code === "not_ready";
      if (told && hasReasons(error.members)) return readinessOf(error.members);
      throw error;
    }
  }
}

/** A node that is not ready tells the same in its problem. */
function readinessOf(members: JsonObject): ReadinessAnswer {
  return members as unknown as ReadinessAnswer;
}
