/** What was seen of a Redis, as findings of `worker:doctor`. Pure. */
import type { RedisExamination } from "../adapters/redis/redis_examination.ts";
import type { OperationalError } from "../events/errors.ts";
import type { Finding } from "../workers/process/host_findings.ts";

/** Wall clocks are for display, yet nobody wants to read events from the future. */
const CLOCK_APART_MS = 2_000;
const ANSWERS_IN_MS = 50;

/** All findings about a Redis that answers. */
export function redisFindings(seen: RedisExamination): Finding[] {
  return [
    answerFinding(seen),
    keepingFinding(seen),
    clockFinding(seen),
    seen.controlPlanes > 0
      ? { check: "control planes", outcome: "ok", saw: `${seen.controlPlanes} have been there` }
      : {
        check: "control planes",
        outcome: "warn",
        saw: "none has been there: nobody would give a worker anything to do",
        advice: "Start one on this Redis and namespace: deno task serve",
      },
  ];
}

/** The one finding about a Redis that does not answer. */
export function unreachedFinding({ message, hint }: OperationalError): Finding {
  return { check: "redis", outcome: "fail", saw: message, advice: hint };
}

function answerFinding({ name, answersInMs, unfit }: RedisExamination): Finding {
  if (unfit) {
    return { check: "redis", outcome: "fail", saw: unfit.message, advice: unfit.hint };
  }
  const saw = `${name} answers in ${answersInMs.toFixed(1)} ms and drops nothing`;
  if (answersInMs <= ANSWERS_IN_MS) return { check: "redis", outcome: "ok", saw };
  const advice = "Each start takes a few answers: put the worker nearer to it.";
  return { check: "redis", outcome: "warn", saw, advice };
}

function keepingFinding({ durability }: RedisExamination): Finding {
  const check = "append-only file";
  if (durability === "memory") {
    return {
      check,
      outcome: "warn",
      saw: "none: a restart of Redis loses the whole fleet's log",
      advice: "Set appendonly yes.",
    };
  }
  return { check, outcome: "ok", saw: `answers survive: ${durability}` };
}

function clockFinding({ clockAheadMs }: RedisExamination): Finding {
  const apart = Math.abs(clockAheadMs);
  const side = clockAheadMs > 0 ? "ahead of" : "behind";
  const saw = `${apart} ms ${side} that of Redis`;
  if (apart <= CLOCK_APART_MS) return { check: "clock", outcome: "ok", saw };
  return {
    check: "clock",
    outcome: "warn",
    saw,
    advice:
      "Times of this host's runs are shown by its own clock: set it (chrony, systemd-timesyncd).",
  };
}
