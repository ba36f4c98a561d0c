/**
 * The lines of a copy of a log: what each says, and how it is written so that the same log gives the same bytes. Pure.
 *
 * The first line is the header, the last one the footer. Between them, in this order: the events, the instances by id,
 * the commands that nobody had ended, the workers. An event's data and metadata are in it as they are stored; all other
 * lines have their keys in order.
 */
import { createHash } from "node:crypto";
import { z } from "zod";
import { commandTypeSchema } from "../../events/commands.ts";
import { isPosition } from "../../events/envelope.ts";
import { canonicalJson } from "../../events/json.ts";
import {
  type CopiedCommand,
  type CopiedEvent,
  type CopiedInstance,
  type CopiedWorker,
  oneLine,
} from "../../events/log_copy.ts";

/** Of the lines' form. A file with a higher one is of a newer release. */
export const COPY_FORMAT = 1;

/** What begins an event's data; no text within a line can hold it, as the quotes in those are escaped. */
const DATA = ',"data":';
const META = ',"meta":';

const count = z.number().int().nonnegative();
const position = z.string().refine(isPosition, "must be a position, as 57-0");
const id = z.string().min(1).max(256);

const headerSchema = z.strictObject({
  /** `COPY_FORMAT`. */
  draasLog: count,
  /** Of DRaaS, that wrote it. */
  release: z.string(),
  source: z.enum(["embedded", "redis"]),
  namespace: z.string().nullable(),
  /** Epoch milliseconds by the clock of whoever wrote it. */
  writtenAt: z.number(),
  begins: position,
  head: position,
  events: count,
  instances: count,
  commands: count,
  workers: count,
  /** `STATE_SCHEMA` of the fold that made the instances' digests. */
  stateSchema: count,
});

/** The first line, without its own digest. */
export type CopyHeader = z.infer<typeof headerSchema>;

const eventSchema = z.strictObject({
  position,
  previous: position.nullable(),
  instanceId: id,
  version: count.min(1),
  type: z.string().min(1).max(100),
  schema: count,
  at: z.number(),
  ignorable: z.literal(true).optional(),
  meta: z.looseObject({}),
});

const instanceSchema = z.strictObject({
  instanceId: id,
  version: count.min(1),
  generation: count,
  last: position,
  origin: position,
  run: z.looseObject({ runId: z.string(), site: z.string() }).nullable(),
  endedRunId: z.string().nullable(),
  completed: z.strictObject({ commandId: z.string(), attempt: count, position }).nullable(),
  /** Of the folded state: `stateDigest`. */
  state: z.string().regex(/^[0-9a-f]{64}$/),
});

const commandLineSchema = z.strictObject({
  command: z.looseObject({ messageId: id, type: commandTypeSchema, instanceId: id, platform: id }),
  site: z.string().nullable(),
  order: z.string().regex(/^\d{1,15}-\d{1,15}:\d{1,3}$/),
  enqueuedAt: count,
  acceptBy: count,
  deliveries: count,
  accepted: z.strictObject({
    workerId: id,
    incarnation: id,
    site: id,
    attempt: count,
    settle: z.boolean(),
  }).nullable(),
});

const workerSchema = z.strictObject({
  workerId: id,
  platform: id,
  site: id,
  incarnation: id,
  machineId: z.string(),
  slots: count,
  version: z.string(),
  labels: z.record(z.string(), z.string()),
  registeredAt: count,
  draining: z.boolean(),
  left: z.boolean(),
  forgotten: z.boolean(),
  lost: z.boolean(),
  retired: z.array(z.string()),
});

const endSchema = z.strictObject({
  /** Lines between the header and this one. */
  lines: count,
  /** SHA-256 of those lines, each with its line end. */
  digest: z.string().regex(/^[0-9a-f]{64}$/),
});

/** A record of an instance with the digest of its state. */
export type InstanceLine = CopiedInstance & { state: string };

/** What one line says. */
export type CopyItem =
  | { kind: "event"; event: CopiedEvent }
  | { kind: "instance"; instance: InstanceLine }
  | { kind: "command"; command: CopiedCommand }
  | { kind: "worker"; worker: CopiedWorker }
  | { kind: "end"; end: z.infer<typeof endSchema> };

/** The first line: it holds its own digest, so that each byte of it is known to be as it was written. */
export function headerLine(header: CopyHeader): string {
  return JSON.stringify({ ...header, digest: sha256(canonicalJson(header)) });
}

/** @throws {Error} what is wrong with it, in words */
export function parseHeader(line: string): CopyHeader {
  const written = jsonObject(line);
  if (!("draasLog" in written)) throw new Error("it is not a copy of a log of DRaaS");
  if (typeof written.draasLog === "number" && written.draasLog > COPY_FORMAT) {
    throw new Error(
      `it has the form ${written.draasLog}, of a newer release (${written.release}); this one reads forms up to ${COPY_FORMAT}`,
    );
  }
  const { digest, ...header } = written;
  if (digest !== sha256(canonicalJson(header))) {
    throw new Error("it is not as it was written: its digest is another one");
  }
  return parsed(headerSchema, header);
}

/** An event as a line. */
export function eventLine(event: CopiedEvent): string {
  const { instanceId, version, type, schema, at, ignorable } = event;
  const meta = oneLine(event.meta);
  if (meta.includes(DATA)) throw new Error(`the metadata at ${event.position} cannot be written`);
  const head = JSON.stringify({
    position: event.position,
    previous: event.previous,
    instanceId,
    version,
    type,
    schema,
    at,
    ...(ignorable ? { ignorable } : {}),
  });
  return `${head.slice(0, -1)}${META}${meta}${DATA}${oneLine(event.data)}}`;
}

/** Any other record as a line, under its kind. */
export function recordLine(
  record:
    | { instance: InstanceLine }
    | { command: CopiedCommand }
    | { worker: CopiedWorker }
    | { end: z.infer<typeof endSchema> },
): string {
  return canonicalJson(record);
}

/** What a line after the header says. @throws {Error} what is wrong with it, in words */
export function parseLine(line: string): CopyItem {
  if (line.startsWith('{"position":')) return { kind: "event", event: parseEvent(line) };
  const record = jsonObject(line);
  if ("instance" in record) {
    return { kind: "instance", instance: parsed(instanceSchema, record.instance) as InstanceLine };
  }
  if ("command" in record) {
    const command = parsed(commandLineSchema, record.command) as CopiedCommand;
    return { kind: "command", command };
  }
  if ("worker" in record) return { kind: "worker", worker: parsed(workerSchema, record.worker) };
  if ("end" in record) return { kind: "end", end: parsed(endSchema, record.end) };
  throw new Error("it is none of the lines that there are");
}

/** The digest of a folded state as it is stored. */
export function stateDigest(stored: unknown): string {
  return sha256(canonicalJson(stored));
}

function parseEvent(line: string): CopiedEvent {
  const dataAt = line.indexOf(DATA);
  const metaAt = line.indexOf(META);
  if (dataAt < 0 || metaAt < 0 || metaAt > dataAt) throw new Error("an event lacks its data");
  const data = line.slice(dataAt + DATA.length, -1);
  const head = parsed(eventSchema, jsonObject(`${line.slice(0, dataAt)}}`));
  jsonObject(data);
  const { ignorable = false, ...rest } = head;
  return { ...rest, ignorable, meta: line.slice(metaAt + META.length, dataAt), data };
}

function parsed<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") || "it";
  throw new Error(`${path} is not as it should be: ${issue?.message}`);
}

function jsonObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("it is not JSON");
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error("it is not a JSON object");
  }
  return value as Record<string, unknown>;
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
