/** What can be wrong between a command line and its fleet, judged from what was seen; each with what to do. Pure. */
import type { OperationalError } from "../../events/errors.ts";
import type {
  InstanceAnswer,
  LifeAnswer,
  ReadinessAnswer,
  WorkerAnswer,
} from "../../http/client/answers.ts";
import type { ClientSettings } from "../../settings/client_settings.ts";
import { workerState } from "../output/fleet_tables.ts";

/** What came of one look. */
export interface Check {
  /** What was looked at, in one word. */
  check: string;
  result: "ok" | "warning" | "failed";
  detail: string;
  /** What to do about it. */
  hint?: string;
}

/** What is told of a clock is true to a second; more than this is not chance. */
const SKEW_MAX_MS = 2_500;
const NAMES_SHOWN = 5;
const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const ok = (check: string, detail: string): Check => ({ check, result: "ok", detail });
const warning = (check: string, detail: string, hint: string): Check => ({
  check,
  result: "warning",
  detail,
  hint,
});
const failed = (check: string, detail: string, hint: string): Check => ({
  check,
  result: "failed",
  detail,
  hint,
});

/** Where it is asked. */
export function addressCheck({ url, urlFrom, token }: ClientSettings): Check {
  const detail = `${url}, by ${urlFrom}`;
  const { protocol, hostname } = new URL(url);
  return token !== null && protocol === "http:" && !LOOPBACK.test(hostname)
    ? warning(
      "address",
      `${detail}: the token can be read on the way`,
      "Ask over https, or through a tunnel to the loopback.",
    )
    : ok("address", detail);
}

/** Whether anybody answers there. */
export function reachCheck(life: LifeAnswer): Check {
  return ok("reach", `a control plane answers, after ${Math.round(life.tookMs)} ms`);
}

/** Something that could not be looked at. */
export function failedCheck(check: string, { message, hint }: OperationalError): Check {
  return failed(check, message, hint);
}

/** Of a request that needs the token; null: it was answered. */
export function tokenCheck(
  { token, tokenFrom }: ClientSettings,
  refusal: OperationalError | null,
): Check {
  if (refusal === null) {
    return ok("token", token === null ? "none is needed" : `it is taken, by ${tokenFrom}`);
  }
  const isToken = refusal.code === "unauthorized" || refusal.code === "forbidden";
  if (!isToken) return failedCheck("token", refusal);
  return failed(
    "token",
    token === null ? "one is needed, and none is given" : `the one by ${tokenFrom} is not taken`,
    "Set DRAAS_TOKEN to a token of the control plane, or give the context one (`draas context`).",
  );
}

/** Whether both are of one release. */
export function versionCheck(own: string, { version }: LifeAnswer): Check {
  return own === version ? ok("version", `both are ${own}`) : warning(
    "version",
    `this command line is ${own}, the control plane ${version}`,
    "Bring the older one up to date: what one of them does not know, it cannot show.",
  );
}

/** @param now when the answer was there, epoch milliseconds by this machine's clock */
export function clockCheck({ dateMs, tookMs }: LifeAnswer, now: number): Check {
  if (dateMs === null) return ok("clock", "the control plane does not tell its own");
  const ahead = dateMs - (now - tookMs / 2);
  if (Math.abs(ahead) <= SKEW_MAX_MS) return ok("clock", "both show the same time");
  const seconds = Math.round(Math.abs(ahead) / 1_000);
  return warning(
    "clock",
    `the control plane's is ${seconds} s ${ahead > 0 ? "ahead" : "behind"}`,
    "Set both by a time server: ages, `logs --since` and `at --at` are off by as much.",
  );
}

/** Whether it can serve, and what happened to its log. */
export function readinessChecks(readiness: ReadinessAnswer): Check[] {
  const { ready, reasons, position, incidents } = readiness;
  const node = ready ? ok("readiness", `it serves; its log is at ${position}`) : failed(
    "readiness",
    `it cannot serve now: ${reasons.join("; ")}`,
    "Mend what is named, or ask another control plane; it serves again by itself.",
  );
  const last = incidents.at(-1);
  return last === undefined ? [node] : [
    node,
    warning(
      "log",
      `${incidents.length} incidents, the last one at ${last.at}: ${last.code}`,
      "Look at the instances that it names (`-o json`), and repeat what is missing: docs/operate.md.",
    ),
  ];
}

/** @param tookMs until the stream had told its first message; null: it told nothing */
export function streamCheck(tookMs: number | null, limitMs: number): Check {
  return tookMs === null
    ? failed(
      "events",
      `a stream told nothing within ${limitMs / 1_000} s`,
      "Something between holds answers back: turn buffering off there for text/event-stream.",
    )
    : ok("events", `they are heard as they come, after ${Math.round(tookMs)} ms`);
}

/** Whether there is somebody for the work. */
export function workerChecks(
  workers: readonly WorkerAnswer[],
  instances: readonly InstanceAnswer[],
  version: string,
): Check[] {
  const of = (state: string) => workers.filter((one) => workerState(one) === state);
  const ready = of("ready");
  const told = ["ready", "draining", "silent", "lost"]
    .flatMap((state) => of(state).length === 0 ? [] : [`${of(state).length} ${state}`]);
  const detail = told.length === 0 ? "there are none" : told.join(", ");
  const platforms = [...new Set(instances.map(({ platform }) => platform))].sort();
  const without = platforms.filter((one) => !ready.some(({ platform }) => platform === one));
  const away = [...of("silent"), ...of("lost")];
  const others = workers.filter((one) => one.version !== version);
  return [
    workers.length === 0
      ? failed("workers", detail, "Start one, for example `deno task worker:process`.")
      : away.length > 0
      ? warning(
        "workers",
        `${detail}: ${named(away.map(({ id }) => id))}`,
        "Look at their hosts; `draas forget` gives up one whose host does not come back.",
      )
      : ok("workers", detail),
    ...without.map((platform) =>
      failed(
        "workers",
        `none is ready for ${platform}, where instances are`,
        `Start one (\`deno task worker:${platform}\`), or let one that is drained go on (\`draas resume\`).`,
      )
    ),
    ...(others.length === 0 ? [] : [
      warning(
        "workers",
        `of another release than the control plane: ${named(others.map(({ id }) => id))}`,
        "Bring them up to date, one after the other: their servers run on meanwhile.",
      ),
    ]),
  ];
}

/** Whether instances are as they are to be. */
export function instanceChecks(instances: readonly InstanceAnswer[]): Check[] {
  const of = (isSo: (one: InstanceAnswer) => boolean) =>
    instances.filter(isSo).map(({ name }) => name);
  const ill = of(({ status }) => status === "Failed");
  const unhealthy = of(({ health }) => health === "unhealthy");
  const drifted = of(hasDrift);
  const running = of(({ status }) => status === "Running").length;
  const sorts: [string[], string, string][] = [
    [ill, "failed", "`draas why NAME` tells why."],
    [
      unhealthy,
      "unhealthy",
      "`draas get NAME` tells what is wrong, `draas logs NAME` what they say.",
    ],
    [drifted, "run with an older configuration", "`draas restart NAME` runs the present one."],
  ];
  const wrong = sorts.filter(([names]) => names.length > 0).map(([names, what, hint]) =>
    warning("instances", `${names.length} ${what}: ${named(names)}`, hint)
  );
  return wrong.length > 0
    ? wrong
    : [ok("instances", `${instances.length} there, ${running} of them running`)];
}

function hasDrift({ configuration }: InstanceAnswer): boolean {
  const { revision, runningRevision } = (configuration ?? {}) as Record<string, unknown>;
  return typeof runningRevision === "number" && runningRevision !== revision;
}

function named(names: readonly string[]): string {
  const rest = names.length - NAMES_SHOWN;
  return names.slice(0, NAMES_SHOWN).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}
