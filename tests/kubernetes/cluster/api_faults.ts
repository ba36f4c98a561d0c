/** What a test can make the double's server do wrong. */
import { type Admission } from "./admission.ts";
import { ApiError } from "./status_errors.ts";
import type { Target } from "./request_path.ts";

/** The user whom faults befall; a cluster's own parts and its tests go on. */
export const WORKER = "worker";

/** A request, as faults choose it. */
export interface AskedRequest {
  user: string;
  method: string;
  path: string;
}

/** Something that the worker may not do; what is left out counts for all. */
export interface ForbiddenRule {
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`. */
  verb?: string;
  /** `apps`, `metrics.k8s.io`, or empty for the core group. */
  group?: string;
  /** `pods`, `statefulsets/scale`, … */
  resource?: string;
  namespace?: string;
}

/** Requests of the worker that are to fail. */
export interface FailureRule {
  /** 429, 500 and 503 as a server tells them; `lost`: done, but the answer never arrives. */
  status: 429 | 500 | 503 | "lost";
  /** How many; all until `clear` when left out. */
  count?: number;
  retryAfterSeconds?: number;
  matches?: (request: AskedRequest) => boolean;
}

/** Something that is to happen just before a request of the worker is carried out. */
interface Interference {
  matches(request: AskedRequest): boolean;
  act(): Promise<void> | void;
}

/** The switches of the server. */
export class ApiFaults {
  readonly forbidden: ForbiddenRule[] = [];
  readonly admission: Admission = { podQuotas: new Map(), keepsStopSignals: false };
  /** Whether `metrics.k8s.io` is served. */
  hasMetrics = true;
  /** How a watch is told that its place is no longer known. */
  goneAs: "event" | "status" = "event";
  readonly #failures: FailureRule[] = [];
  readonly #interferences: Interference[] = [];

  /** Refuses with 403 what a rule says. */
  forbid(rule: ForbiddenRule): void {
    this.forbidden.push(rule);
  }

  /** Fails the next requests, or all that match. */
  fail(rule: FailureRule): void {
    this.#failures.push({ ...rule });
  }

  /**
   * Does something just before the worker's next request that matches is carried out: another's write between
   * a worker's read and its own, or a wait that makes the server slow.
   */
  beforeNext(matches: Interference["matches"], act: Interference["act"]): void {
    this.#interferences.push({ matches, act });
  }

  /** For the server: what was to happen before this request. */
  async interfere(asked: AskedRequest): Promise<void> {
    if (asked.user !== WORKER) return;
    const index = this.#interferences.findIndex(({ matches }) => matches(asked));
    const [found] = index < 0 ? [] : this.#interferences.splice(index, 1);
    await found?.act();
  }

  /** Ends all failures and 403s. */
  clear(): void {
    this.#interferences.length = 0;
    this.#failures.length = 0;
    this.forbidden.length = 0;
  }

  /** A quota of pods in a namespace; null takes it away. */
  limitPods(namespace: string, pods: number | null, name = "pods"): void {
    if (pods === null) this.admission.podQuotas.delete(namespace);
    else this.admission.podQuotas.set(namespace, { name, pods });
  }

  /**
   * What is to befall a request; `lost` when its answer is to get lost.
   * @throws {ApiError} when it is to be refused
   */
  befalls(asked: AskedRequest): "lost" | null {
    if (asked.user !== WORKER) return null;
    const index = this.#failures.findIndex(({ matches }) => matches?.(asked) ?? true);
    const rule = this.#failures[index];
    if (!rule) return null;
    if (rule.count !== undefined && --rule.count <= 0) this.#failures.splice(index, 1);
    const seconds = rule.retryAfterSeconds ?? 1;
    switch (rule.status) {
      case 429:
        throw new ApiError(
          429,
          "TooManyRequests",
          "too many requests, please try again later",
          { retryAfterSeconds: seconds },
          { "retry-after": String(seconds) },
        );
      case 500:
        throw new ApiError(500, "InternalError", "Internal error occurred: etcdserver: no leader", {
          causes: [{ message: "etcdserver: no leader" }],
        });
      case 503:
        throw new ApiError(
          503,
          "ServiceUnavailable",
          "the server is currently unable to handle the request",
        );
      default:
        return "lost";
    }
  }

  /** Whether a rule forbids it. */
  isForbidden(user: string, verb: string, target: Target): boolean {
    const resource = resourceWords(target);
    return this.forbidden.some((rule) =>
      user === WORKER && (rule.verb ?? verb) === verb &&
      (rule.group ?? target.resource.group) === target.resource.group &&
      (rule.resource ?? resource) === resource &&
      (rule.namespace ?? target.namespace) === target.namespace
    );
  }

  /** The refusal of RBAC. */
  refusal(user: string, verb: string, target: Target): ApiError {
    const { resource: { plural, group }, name } = target;
    // A namespace is taken to be in itself.
    const namespace = plural === "namespaces" ? name : target.namespace;
    const named = name === "" ? "" : ` "${name}"`;
    const scope = namespace === "" ? "at the cluster scope" : `in the namespace "${namespace}"`;
    const what = `${group === "" ? plural : `${plural}.${group}`}${named}`;
    return new ApiError(
      403,
      "Forbidden",
      `${what} is forbidden: User "${user}" cannot ${verb} resource "${
        resourceWords(target)
      }" in API group "${group}" ${scope}`,
      { ...(name === "" ? {} : { name }), ...(group === "" ? {} : { group }), kind: plural },
    );
  }
}

function resourceWords({ resource: { plural }, subresource }: Target): string {
  return subresource === "" ? plural : `${plural}/${subresource}`;
}
