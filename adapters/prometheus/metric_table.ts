/** Every metric that a node tells: the table that `/metrics`, the documentation and the example dashboard are held to. */
import type { Metric } from "./metric_series.ts";

/** A metric with what its values are. */
export interface TabledMetric extends Metric {
  type: "counter" | "gauge" | "histogram";
}

function gauge(name: string, labels: readonly string[], help: string): TabledMetric {
  return { name, labels, help, type: "gauge" };
}

function counter(name: string, labels: readonly string[], help: string): TabledMetric {
  return { name, labels, help, type: "counter" };
}

function histogram(name: string, labels: readonly string[], help: string): TabledMetric {
  return { name, labels, help, type: "histogram" };
}

/** In the order in which they are told. */
export const METRICS = {
  buildInfo: gauge("draas_build_info", ["version", "deno"], "Always 1: what runs here"),
  ready: gauge("draas_node_ready", [], "1 while /readyz answers 200"),
  leading: gauge("draas_node_leading", [], "1 on the node that leads; one of a fleet does"),

  asks: histogram(
    "draas_ask_duration_seconds",
    ["request", "result"],
    "From a request to one instance to its answer, with the worker's part where it was waited for",
  ),
  requests: counter(
    "draas_http_requests_total",
    ["method", "route", "status"],
    "HTTP requests that were answered, by the pattern of their route",
  ),
  requestTimes: histogram(
    "draas_http_request_duration_seconds",
    ["method", "route"],
    "From an HTTP request to the begin of its answer; a wait lasts as long as it was asked for",
  ),
  eventStreams: gauge(
    "draas_event_streams",
    ["of"],
    "Clients that follow by server-sent events: the log (events) or an output (logs)",
  ),

  logAvailable: gauge("draas_log_available", [], "1 while the log can be asked (Redis is there)"),
  logAway: counter("draas_log_away_total", [], "How often the log went away"),
  rollbacks: counter(
    "draas_log_rollbacks_total",
    [],
    "How often the log was found to have lost events that were acknowledged",
  ),
  durability: gauge(
    "draas_log_durability",
    ["class"],
    "1 at what an answer survives now: memory, process, disk or replicated",
  ),
  headPosition: gauge(
    "draas_log_head_position",
    [],
    "First number of the log's newest position: on Redis milliseconds, embedded a count of events",
  ),
  foldedPosition: gauge(
    "draas_log_folded_position",
    [],
    "The same of the newest event that this node has folded",
  ),
  lag: gauge(
    "draas_log_lag_seconds",
    [],
    "For how long this node has not folded what the log held when it was looked at before; 0 when it keeps up",
  ),

  instances: gauge(
    "draas_instances",
    ["platform", "status"],
    "Instances by status; deleted ones are not counted",
  ),
  health: gauge(
    "draas_running_instances",
    ["platform", "health"],
    "Running instances by health: unknown where none is probed, or its worker is silent",
  ),
  commands: gauge(
    "draas_commands",
    ["platform", "state"],
    "Commands that have not ended: waiting for a worker, or accepted by one",
  ),
  oldestWaiting: gauge(
    "draas_commands_oldest_waiting_seconds",
    ["platform"],
    "Age of the command that has waited longest for a worker; 0 when none waits",
  ),
  workers: gauge(
    "draas_workers",
    ["platform", "state"],
    "Workers: live, draining, silent (not heard for 5 s) or lost (given up)",
  ),
  slots: gauge("draas_worker_slots", ["platform"], "Slots of the live workers"),
  busySlots: gauge("draas_worker_slots_busy", ["platform"], "Slots of the live workers in use"),

  eventLoopDelay: histogram(
    "draas_event_loop_delay_seconds",
    [],
    "By how much a timer came late, sampled twice a second: for so long nothing else could be done",
  ),
  heap: gauge("draas_heap_used_bytes", [], "Of the heap, what is in use"),
  memory: gauge("process_resident_memory_bytes", [], "Memory of the process"),
  cpu: counter("process_cpu_seconds_total", [], "CPU time of the process"),
  started: gauge("process_start_time_seconds", [], "When the process began, seconds since 1970"),
} as const satisfies Record<string, TabledMetric>;
