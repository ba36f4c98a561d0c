/**
 * What `serverConfiguration` may hold, by template: the one schema that the API's edge and the
 * worker both check with, so that both say the same words. Design §6; `drasi-server` fields follow
 * its configuration file.
 */
import { z } from "zod";
import type { JsonObject } from "./json.ts";
import { ID_PATTERN } from "./ids.ts";
import { referenceFaults } from "./drasi_references.ts";
import { secretFaults } from "./secret_fields.ts";
import { parseLinePattern } from "./line_pattern.ts";

const portForm = "must be a whole number from 1 to 65535";
const port = z.number({ error: portForm }).int(portForm).min(1, portForm).max(65_535, portForm);

/** The port that a server listens on; 0 is a free one of the host's range, as none is. */
const ownPort = z.number({ error: portForm }).int(portForm).min(0, portForm).max(65_535, portForm)
  .transform((number) => number === 0 ? undefined : number);

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.|$)){4}$/;

/** A bind address: a server listens on an address of its own host, so a name must be `localhost`. */
const host = z.string({ error: "must be an IPv4 address or localhost" })
  .refine((text) => text === "localhost" || IPV4.test(text), {
    error: "must be an IPv4 address or localhost",
  });

const signalName = z.enum(["SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGUSR1", "SIGUSR2"], {
  error: "must be one of SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2",
});

const milliseconds = (max: number, min = 0) => {
  const error = `must be a whole number of milliseconds from ${min} to ${max}`;
  return z.number({ error }).int(error).min(min, error).max(max, error);
};

/** What the kernel can hand to a program: text without NUL. */
const hostText = (max: number) =>
  z.string({ error: "must be a string" }).max(max)
    .refine((text) => !text.includes("\0"), { error: "must not contain a NUL character" });

const path = hostText(4_096).refine((text) => text.startsWith("/"), {
  error: "must be an absolute path",
});

/** A user of the worker's host; which ones may be used is for the host to say. */
const user = z.string({ error: "must be a user's name" })
  .regex(
    /^[a-z_][a-z0-9_.-]{0,31}$/,
    "must be a user's name: 1 to 32 of a-z, 0-9, '_', '.' and '-'",
  );

const environment = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be a variable name: letters, digits and _"),
  hostText(32_768),
);

const argument = hostText(4_096);

/** What a probe asks: an HTTP 2xx, an accepted TCP connection, or a program that ends with exit code 0. */
const asked = {
  http: z.strictObject({
    path: z.string().startsWith("/", "must begin with /").max(1_024),
    port: port.optional(),
  })
    .optional(),
  tcp: z.strictObject({ port: port.optional() }).optional(),
  /** Argv, without a shell, in the server's working directory. */
  command: z.array(argument, {
    error: "must be an array of strings: the program, then its arguments",
  })
    .min(1, "must name a program").max(100).optional(),
};

const linePattern = z.string({ error: "must be a string" }).superRefine((text, context) => {
  const parsed = parseLinePattern(text);
  if ("fault" in parsed) context.addIssue({ code: "custom", message: parsed.fault });
});

/** A line of its output since its start. */
const logLine = z.strictObject({
  contains: hostText(256).min(1, "must not be empty").optional(),
  matches: linePattern.optional(),
}).refine((line) => (line.contains === undefined) !== (line.matches === undefined), {
  error: "must have exactly one of contains and matches",
});

const hasOne = (probe: Record<string, unknown>, names: readonly string[]) =>
  names.filter((name) => probe[name] !== undefined).length === 1;

/** When a server counts as ready, and how long it has for that. */
const readiness = z.strictObject({
  ...asked,
  logLine: logLine.optional(),
  withinMs: milliseconds(600_000).optional(),
}).refine((probe) => hasOne(probe, ["http", "tcp", "command", "logLine"]), {
  error: "must have exactly one of http, tcp, command and logLine",
});

const times = (most: number) => {
  const error = `must be a whole number from 1 to ${most}`;
  return z.number({ error }).int(error).min(1, error).max(most, error);
};

/** Whether a server that runs is of use, asked again and again; see `LivenessPlan` for what is not said. */
const liveness = z.strictObject({
  ...asked,
  intervalMs: milliseconds(3_600_000, 500).optional(),
  timeoutMs: milliseconds(60_000, 50).optional(),
  failures: times(100).optional(),
  successes: times(100).optional(),
}).refine((probe) => hasOne(probe, ["http", "tcp", "command"]), {
  error: "must have exactly one of http, tcp and command",
});

const commandConfiguration = z.strictObject({
  command: z.array(argument, {
    error: "must be an array of strings: the program, then its arguments",
  })
    .min(1, "must name a program").max(1_000)
    // An argument may well be empty (`--save ""` of redis-server); the program's name may not.
    .refine((command) => command[0] !== "", { error: "must not be empty", path: [0] }),
  env: environment.optional(),
  workingDirectory: path.optional(),
  user: user.optional(),
  host: host.optional(),
  port: ownPort.optional(),
  readiness: readiness.optional(),
  liveness: liveness.optional(),
  stopSignal: signalName.optional(),
  stopGraceMs: milliseconds(3_600_000).optional(),
});

const imageForm = "must be an image, for example redis:7 or registry.example.com/app@sha256:…";

/** Docker's own grammar is stricter, and its daemon says so; this keeps out what is no name at all. */
const imageName = z.string({ error: imageForm })
  .regex(/^[a-zA-Z0-9][a-zA-Z0-9._:/@-]{0,254}$/, imageForm);

const volume = z.strictObject({
  name: z.string({ error: "must be a string" })
    .regex(/^[a-z0-9][a-z0-9-]{0,31}$/, "must be 1 to 32 of a-z, 0-9 and '-'"),
  path,
});

/** No two of a list say the same of this. */
const distinct = <Item>(items: readonly Item[], of: (item: Item) => unknown) =>
  new Set(items.map(of)).size === items.length;

const imageConfiguration = z.strictObject({
  image: imageName,
  /** In the place of the image's own command, after its entry point. */
  command: z.array(argument, { error: "must be an array of strings" }).max(1_000).optional(),
  env: environment.optional(),
  workingDirectory: path.optional(),
  /** A user of the image: a name or number, with or without a group. */
  user: z.string({ error: "must be a user" })
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/, {
      error: "must be a user, for example app, 1000 or 1000:1000",
    }).optional(),
  /** Where its ports are published. */
  host: host.optional(),
  /** Ports of the container; without `published`, a free one of the host. The first is the instance's. */
  ports: z.array(z.strictObject({ port, published: port.optional() }))
    .max(20)
    .refine((ports) => distinct(ports, (one) => one.port), { error: "must name each port once" })
    .optional(),
  /** Volumes of its own: they outlive its containers, and go with the instance. */
  volumes: z.array(volume).max(20)
    .refine((volumes) => distinct(volumes, ({ name }) => name), {
      error: "must name each volume once",
    })
    .optional(),
  /** Nothing but its volumes can be written to. */
  readOnly: z.boolean({ error: "must be true or false" }).optional(),
  readiness: readiness.optional(),
  liveness: liveness.optional(),
  stopSignal: signalName.optional(),
  stopGraceMs: milliseconds(3_600_000).optional(),
}).superRefine(({ ports = [], ...probes }, context) => {
  for (const name of ["readiness", "liveness"] as const) {
    const asked = probes[name]?.http ?? probes[name]?.tcp;
    const isAnswered = asked?.port === undefined
      ? ports.length > 0
      : ports.some(({ port }) => port === asked.port);
    if (!asked || isAnswered) continue;
    const message = "must ask at one of `ports`: others cannot be reached";
    context.addIssue({ code: "custom", path: [name], message });
  }
});

const required = z.string({ error: "must be a string" }).min(1, "must not be empty");

const component = (extra: Record<string, z.ZodType>) =>
  z.looseObject({
    id: z.string({ error: "must be a string" }).min(1, "must not be empty"),
    autoStart: z.boolean().optional(),
    ...extra,
  });

const drasiServerConfiguration = z.strictObject({
  id: z.string().regex(ID_PATTERN, "must be letters, digits and -").optional(),
  user: user.optional(),
  host: host.optional(),
  port: ownPort.optional(),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error"], {
    error: "must be one of trace, debug, info, warn, error",
  }).optional(),
  persistIndex: z.boolean().optional(),
  enableArchive: z.boolean().optional(),
  enableUi: z.boolean().optional(),
  stateStore: z.looseObject({ kind: z.literal("redb"), path: z.string() }).optional(),
  secretStore: z.looseObject({ kind: z.string() }).optional(),
  defaultPriorityQueueCapacity: z.number().int().positive().optional(),
  defaultDispatchBufferCapacity: z.number().int().positive().optional(),
  pluginRegistry: z.string().optional(),
  autoInstallPlugins: z.boolean().optional(),
  plugins: z.array(z.looseObject({ ref: z.string() })).optional(),
  verifyPlugins: z.boolean().optional(),
  trustedIdentities: z.array(z.looseObject({})).optional(),
  corsAllowedOrigins: z.array(z.string()).optional(),
  sources: z.array(component({ kind: required })).optional(),
  queries: z.array(component({ query: required })).optional(),
  reactions: z.array(component({ kind: required, queries: z.array(z.string()).optional() }))
    .optional(),
  identityProviders: z.array(z.looseObject({})).optional(),
  bootstrapProviders: z.array(z.looseObject({})).optional(),
});

/** Their form; `configurationFaults` finds also what no schema can say. */
export const configurationSchemas = {
  "drasi-server": drasiServerConfiguration,
  command: commandConfiguration,
  image: imageConfiguration,
};

/** The templates that exist: how a kind of server is started, probed and stopped. */
export const templateSchema = z.enum(["drasi-server", "command", "image"], {
  error: "must be one of drasi-server, command, image",
});
export type Template = z.infer<typeof templateSchema>;
export type CommandConfiguration = z.infer<typeof commandConfiguration>;
export type ImageConfiguration = z.infer<typeof imageConfiguration>;
export type DrasiServerConfiguration = z.infer<typeof drasiServerConfiguration>;
export type Readiness = z.infer<typeof readiness>;
export type Liveness = z.infer<typeof liveness>;

/** One thing wrong with an input: where (a dotted path, empty for the whole) and what the right form is. */
export interface Fault {
  path: string;
  message: string;
}

/**
 * The most that a configuration may be, in bytes of its JSON. A start writes it twice in one batch, as event and as
 * command, and a batch has its own bound: a configuration that is larger could be created and never started.
 */
export const CONFIGURATION_BYTES_MAX = 96 * 1024;

/** That a configuration is larger than `CONFIGURATION_BYTES_MAX`, as the fault of the whole; else an empty list. */
export function configurationSizeFaults(configuration: JsonObject): Fault[] {
  const bytes = new TextEncoder().encode(JSON.stringify(configuration)).length;
  return bytes <= CONFIGURATION_BYTES_MAX ? [] : [{
    path: "",
    message:
      `is ${bytes} bytes of JSON, and the most is ${CONFIGURATION_BYTES_MAX}; keep what is large in a file of the host and name that here`,
  }];
}

/** Every fault of a configuration at once; an empty list means that it is valid. */
export function configurationFaults(template: Template, configuration: JsonObject): Fault[] {
  return [
    ...faultsOf(
      configurationSchemas[template].safeParse(withPredecessorNames(template, configuration)),
    ),
    ...secretFaults(template, configuration),
    ...(template === "drasi-server" ? referenceFaults(configuration) : []),
  ];
}

/** The typed form of a configuration that `configurationFaults` found nothing wrong with. */
export function parseCommandConfiguration(configuration: JsonObject): CommandConfiguration {
  return commandConfiguration.parse(configuration);
}

/** As `parseCommandConfiguration`, for `image`. */
export function parseImageConfiguration(configuration: JsonObject): ImageConfiguration {
  return imageConfiguration.parse(configuration);
}

/** As `parseCommandConfiguration`, for `drasi-server`; the predecessor's `queryText` becomes `query`. */
export function parseDrasiServerConfiguration(configuration: JsonObject): DrasiServerConfiguration {
  return drasiServerConfiguration.parse(withPredecessorNames("drasi-server", configuration));
}

/** The faults in a zod result, each with its path; unknown fields are named one by one. */
export function faultsOf(result: z.ZodSafeParseResult<unknown>): Fault[] {
  if (result.success) return [];
  return result.error.issues.flatMap((issue) => {
    const at = issue.path.map(String);
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => ({
        path: [...at, key].join("."),
        message: "is not a known field",
      }));
    }
    if (issue.code === "invalid_key") {
      return issue.issues.map(({ message }) => ({
        path: at.join("."),
        message: `its name ${message}`,
      }));
    }
    return [{ path: at.join("."), message: issue.message }];
  });
}

/** All faults as one line: `host: must be …; port: must be …`. */
export function describeFaults(faults: readonly Fault[]): string {
  return faults.map((fault) => fault.path ? `${fault.path}: ${fault.message}` : fault.message).join(
    "; ",
  );
}

function withPredecessorNames(template: Template, configuration: JsonObject): JsonObject {
  if (template !== "drasi-server" || !Array.isArray(configuration.queries)) return configuration;
  return {
    ...configuration,
    queries: configuration.queries.map((query) => {
      if (query === null || typeof query !== "object" || Array.isArray(query)) return query;
      const { queryText, ...rest } = query;
      return queryText === undefined || "query" in rest ? query : { ...rest, query: queryText };
    }),
  };
}
