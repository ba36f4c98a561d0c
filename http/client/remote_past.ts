/** What instances were and why they are what they are, as typed calls. Design §6. */
import type { ExplanationAnswer, PastAnswer } from "./answers.ts";
import { instancePath } from "./paths.ts";
import { hasId, readRemote } from "./remote_answer.ts";
import type { RemoteOptions } from "./remote_call.ts";
import type { PastMoment } from "./wishes.ts";

/** Every method throws `RemoteProblem` when it is refused, and `NoAnswer` when no answer came. */
export class RemotePast {
  constructor(private readonly options: RemoteOptions) {}

  /** What led to its present status, and what comes next; of deleted ones, too. */
  async why(id: string): Promise<ExplanationAnswer> {
    return await readRemote(this.options, { path: `${instancePath(id)}/why` }, hasId);
  }

  /** What it was; of deleted ones, too. */
  async stateAt(id: string, moment: PastMoment): Promise<PastAnswer> {
    const query = "version" in moment ? { version: String(moment.version) } : { at: moment.at };
    return await readRemote(this.options, { path: `${instancePath(id)}/state`, query }, hasId);
  }
}
