/** Answers about workers and the control plane itself. */
import { z } from "zod";
import { ROLES } from "../../../events/access_tokens.ts";
import { readinessFields } from "../readiness_schema.ts";
import { count, json, logPosition, time } from "../values.ts";

const AT = "2026-01-31T12:00:00.000Z";

const worker = z.object({
  id: z.string(),
  platform: z.string(),
  site: z.string(),
  incarnation: z.string(),
  machineId: z.string(),
  slots: count,
  busy: count,
  version: z.string(),
  labels: z.record(z.string(), z.string()),
  draining: z.boolean(),
  lost: z.boolean().meta({ description: "It was given up, and has not registered again." }),
  silent: z.boolean().meta({ description: "It was not heard lately." }),
  registeredAt: time,
  lastHeartbeatAt: time,
}).meta({ id: "Worker" });

const workers = z.object({
  items: z.array(worker),
  nextCursor: z.string().optional().meta({ description: "For the next page; absent on the last." }),
  position: logPosition,
}).meta({ id: "WorkerList" });

const readiness = z.object(readinessFields).meta({ id: "Readiness" });

const index = z.object({
  name: z.string(),
  version: z.string(),
  routes: z.array(z.object({
    method: z.string(),
    path: z.string(),
    summary: z.string(),
    role: z.enum([...ROLES, "anyone"]).meta({ description: "The least that it takes." }),
    forceRole: z.enum(ROLES).optional().meta({ description: "With `?force=true`." }),
  })),
}).meta({ id: "Index" });

export const OPERATION_ANSWERS = {
  Workers: {
    description: "The workers.",
    headers: ["Draas-Position"],
    content: json(workers, {
      items: [{
        id: "worker-1",
        platform: "process",
        site: "site-1",
        incarnation: "inc-1b2c3d",
        machineId: "machine-1",
        slots: 4,
        busy: 1,
        version: "0.1.0",
        labels: { zone: "a" },
        draining: false,
        lost: false,
        silent: false,
        registeredAt: AT,
        lastHeartbeatAt: AT,
      }],
      position: "12-0",
    }),
  },
  WorkerDrained: {
    description: "It is so.",
    headers: [],
    content: json(z.object({ id: z.string(), draining: z.boolean() }), {
      id: "worker-1",
      draining: true,
    }),
  },
  WorkerForgotten: {
    description: "It is given up. `instanceIds`: whose commands or servers were its own.",
    headers: [],
    content: json(
      z.object({
        id: z.string(),
        forgotten: z.literal(true),
        instanceIds: z.array(z.string()),
      }),
      { id: "worker-1", forgotten: true, instanceIds: ["inst-1b2c3d"] },
    ),
  },
  Alive: {
    description: "The process lives.",
    headers: [],
    content: json(z.object({ status: z.literal("alive"), version: z.string() }), {
      status: "alive",
      version: "0.1.0",
    }),
  },
  Ready: {
    description: "Requests can be served.",
    headers: [],
    content: json(readiness, {
      ready: true,
      reasons: [],
      durability: "disk",
      position: "12-0",
      instances: 1,
      commandsInFlight: 0,
      incidents: [],
      version: "0.1.0",
    }),
  },
  Metrics: {
    description: "What it measures now.",
    headers: [],
    content: { "text/plain": { schema: z.string(), example: "draas_node_ready 1\n" } },
  },
  Index: {
    description: "The routes.",
    headers: [],
    content: json(index, {
      name: "DRaaS",
      version: "0.1.0",
      routes: [{
        method: "GET",
        path: "/healthz",
        summary: "200 while the process lives",
        role: "anyone",
      }],
    }),
  },
  Page: {
    description: "A page for a browser. It needs nothing but this server.",
    headers: [],
    content: { "text/html": { schema: z.string(), example: "<!doctype html>…" } },
  },
  Program: {
    description: "A program for a browser.",
    headers: ["ETag"],
    content: { "text/javascript": { schema: z.string(), example: "(function(){…})" } },
  },
  Unchanged: {
    description: "It is what `If-None-Match` names.",
    headers: ["ETag"],
    content: {},
  },
  OpenApi: {
    description: "This document.",
    headers: [],
    content: json(z.looseObject({ openapi: z.string() }), { openapi: "3.1.0" }),
  },
} as const;
