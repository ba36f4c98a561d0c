/** Questions to sites: who answers for a site in this process. Never in the log. Design §5. */
import type { Clock } from "../../events/clock.ts";
import type { Query, QueryAnswer } from "../../events/site_query.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";

/** Answers a question to a site. */
export type Answer = (query: Query) => Promise<QueryAnswer>;

interface Answerer {
  answer: Answer;
  isPresent: () => boolean;
}

export class SiteQueries {
  /** By site and worker: a new incarnation takes the place of the one before. */
  readonly #answerers = new Map<string, Map<string, Answerer>>();

  constructor(private readonly clock: Clock) {}

  /** `isPresent` tells whether the worker is still the site's. */
  serve(site: string, workerId: string, answer: Answer, isPresent: () => boolean): void {
    const ofSite = this.#answerers.get(site) ?? new Map<string, Answerer>();
    ofSite.set(workerId, { answer, isPresent });
    this.#answerers.set(site, ofSite);
  }

  /** @throws {OperationalError} `site_unreachable`; `query_failed` when the worker could not answer */
  ask(
    site: string,
    query: Query,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<QueryAnswer> {
    const answerer = [...this.#answerers.get(site)?.values() ?? []].find((one) => one.isPresent());
    if (!answerer) return Promise.reject(unreachable(site, "no worker answers for it"));
    return new Promise((resolve, reject) => {
      const cancel = this.clock.after(
        timeoutMs,
        () => reject(unreachable(site, `no answer within ${timeoutMs} ms`)),
      );
      const giveUp = () => resolve([]);
      signal?.addEventListener("abort", giveUp, { once: true });
      if (signal?.aborted) giveUp();
      answerer.answer(query).then(resolve, (cause) => reject(failed(site, cause)))
        .finally(() => (cancel(), signal?.removeEventListener("abort", giveUp)));
    });
  }
}

function unreachable(site: string, reason: string): OperationalError {
  return new OperationalError(
    "site_unreachable",
    `The site ${site} cannot be asked: ${reason}.`,
    true,
    "See `draas workers`: is a worker of this site alive?",
  );
}

function failed(site: string, cause: unknown): OperationalError {
  return new OperationalError(
    "query_failed",
    `The worker of site ${site} could not answer: ${reasonOf(cause)}.`,
    true,
    "See the worker's log on its host.",
    { cause },
  );
}
