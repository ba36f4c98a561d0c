/** What a program tells of its own doing: its log, its measures, its traces; put together, and around the parts. */
import type { SystemParts } from "../actors/system_parts.ts";
import type { AskOutcome } from "../actors/system_port.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { processFigures } from "../adapters/host/host_process.ts";
import { tracedLog } from "../adapters/opentelemetry/traced_log.ts";
import { NodeMetrics } from "../adapters/prometheus/node_metrics.ts";
import type { EventLog } from "../events/event_log.ts";
import type { InstanceResponse } from "../events/responses.ts";
import type { Tracer } from "../events/tracer.ts";
import type { HttpWatch } from "../http/options.ts";
import type { Settings } from "../settings/settings.ts";
import type { Platform } from "../workers/platform.ts";
import { tracedPlatform } from "../workers/traced_platform.ts";
import type { AroundCommand } from "../workers/worker_life.ts";
import { VERSION } from "./version.ts";
import type { Voice } from "./voice.ts";

/** Through what a program is seen. */
export interface Telemetry {
  voice: Voice;
  /** Whether lines of the level `debug` are told: else they are not even made. */
  isClose: boolean;
  /** Null: Deno exports no spans. */
  tracer: Tracer | null;
}

/** @param environment for Deno's own `OTEL_DENO` */
export async function openTelemetry(
  voice: Voice,
  { logLevel }: Settings,
  environment: Readonly<Record<string, string>>,
): Promise<Telemetry> {
  const isTraced = ["true", "1"].includes(environment.OTEL_DENO ?? "");
  // Nobody else has to load what makes spans.
  const tracer = isTraced
    ? (await import("../adapters/opentelemetry/otel_tracer.ts")).openTracer(VERSION)
    : null;
  return { voice, isClose: logLevel === "debug", tracer };
}

/** What a control plane measures. */
export function openMetrics(): NodeMetrics {
  return new NodeMetrics({
    clock: hostClock,
    version: VERSION,
    denoVersion: Deno.version.deno,
    processFigures,
  });
}

/** The same log; its appends are spans, where there is a tracer. */
export function watchedLog(log: EventLog, { tracer }: Telemetry): EventLog {
  return tracer ? tracedLog(log, tracer) : log;
}

/** What is around each ask of a control plane. */
export function watchedAsks(
  metrics: NodeMetrics,
  { tracer }: Telemetry,
): Pick<SystemParts, "aroundAsk" | "inContext"> {
  const measured = async (request: string, ask: () => Promise<AskOutcome>) => {
    const begin = hostClock.monotonic();
    let result = "error";
    try {
      const outcome = await ask();
      result = outcome.kind === "done" && !outcome.changed ? "unchanged" : outcome.kind;
      return outcome;
    } finally {
      metrics.asked(request, result, hostClock.monotonic() - begin);
    }
  };
  if (tracer === null) return { aroundAsk: ({ request }, ask) => measured(request.type, ask) };
  return {
    inContext: tracer.inContext,
    aroundAsk: ({ instanceId, request: { type }, options }, ask) =>
      tracer.inSpan(
        {
          name: `ask ${type}`,
          attributes: instanceId === null ? {} : { "draas.instance_id": instanceId },
          ...(options.correlationId === undefined ? {} : { of: options.correlationId }),
        },
        () => measured(type, ask),
        faultOfOutcome,
      ),
  };
}

/** Who hears of each answer of the API. */
export function watchedAnswers(
  metrics: NodeMetrics,
  { tracer, voice, isClose }: Telemetry,
): HttpWatch {
  return {
    answered(answer) {
      metrics.answered(answer);
      const { method, route, status, tookMs, traceId } = answer;
      if (route !== null) tracer?.nameRequest(method, route);
      if (!isClose) return;
      const words = `${method} ${route ?? "unknown path"} ${status} in ${tookMs.toFixed(1)} ms`;
      voice.tell("debug", words, { traceId, method, route, status, tookMs: Math.round(tookMs) });
    },
    eventStreams: (of, open) => metrics.eventStreams(of, open),
    traceparent: () => tracer?.traceparent() ?? null,
  };
}

/** The same platform; its calls are spans, where there is a tracer. */
export function watchedPlatform(platform: Platform, { tracer }: Telemetry): Platform {
  return tracer ? tracedPlatform(platform, tracer) : platform;
}

/** What is around each command of a worker; undefined where nobody looks. */
export function watchedCommands(
  { tracer, voice, isClose }: Telemetry,
): AroundCommand | undefined {
  if (tracer === null && !isClose) return undefined;
  const told: AroundCommand = async (command, attempt, work) => {
    const begin = hostClock.monotonic();
    const response = await work();
    const tookMs = hostClock.monotonic() - begin;
    const { instanceId, type, correlationId: traceId, messageId: commandId } = command;
    const end = response.success ? "done" : `failed: ${response.errorMessage ?? "no reason told"}`;
    voice.tell("debug", `${type} of ${instanceId} ${end} in ${tookMs.toFixed(1)} ms`, {
      traceId,
      instanceId,
      commandId,
      attempt,
      tookMs: Math.round(tookMs),
    });
    return response;
  };
  if (tracer === null) return told;
  return (command, attempt, work) =>
    tracer.inSpan(
      {
        name: command.type,
        kind: "consumer",
        attributes: {
          "draas.instance_id": command.instanceId,
          "draas.command_id": command.messageId,
          "draas.attempt": attempt,
        },
        of: command.correlationId,
        ...(command.traceparent === undefined ? {} : { parent: command.traceparent }),
      },
      () => isClose ? told(command, attempt, work) : work(),
      faultOfResponse,
    );
}

function faultOfOutcome(outcome: AskOutcome): string | null {
  switch (outcome.kind) {
    case "failed":
      return outcome.failure.code;
    case "rejected":
      return outcome.rejection.code;
    case "unknown":
      return "unknown";
    default:
      return null;
  }
}

function faultOfResponse({ success, errorCode }: InstanceResponse): string | null {
  return success ? null : errorCode ?? "failed";
}
