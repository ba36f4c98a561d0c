/**
 * What a host allows: the form of `worker.yaml`, which its owner writes and no request can change. Pure; the paths in it
 * are told apart by `host_rules.ts`. Design promise 11.
 */
import { z } from "zod";
import { type Fault, faultsOf, type Template, templateSchema } from "../../events/configuration.ts";
import { type Parsed, TEMPLATES_OF } from "../../events/specification.ts";

/** What a run may take of a host; null: as much as there is. */
export interface LargestLimits {
  memoryBytes: number | null;
  /** Whole cores and parts of them. */
  cpus: number | null;
  processes: number | null;
  /** Open files of one process. */
  openFiles: number | null;
}

/**
 * `verified`: configurations may not turn off the check of signatures, trust further signers or name another registry.
 * `any`: they may.
 */
export type PluginRule = "verified" | "any";

/** The first and the last of a range of ports. */
export interface PortRange {
  from: number;
  to: number;
}

/** What may run on a host. A list that is null restricts nothing. */
export interface HostPolicy {
  /** What a refusal names: the file's name, and where there is none, that. */
  source: string;
  templates: readonly Template[];
  /** Programs of `command`: absolute paths, in which `*` stands for a part of a name and `**` for folders too. */
  binaries: readonly string[] | null;
  /** Images, in which `*` stands for a part of a name and `**` for slashes too. */
  images: readonly string[] | null;
  /** Users that an instance may ask to run as, besides the worker's own. */
  users: readonly string[];
  /** Where servers may work and keep data besides their instance's own folder; each with all below it. */
  folders: readonly string[] | null;
  limits: LargestLimits;
  /** Whether a server is refused where this host cannot hold it to one of its limits. */
  limitsMustHold: boolean;
  /** Which plugins a drasi-server may load: code that runs as the worker's user. */
  plugins: PluginRule;
  /** Where ports are picked. */
  ports: PortRange;
  /** Whether a port that a configuration names has to be in `ports`, too. */
  isPortRangeBinding: boolean;
  secrets: {
    /** Absolute; null: `secrets` in the worker's data folder. */
    folder: string | null;
    /** Names that may be used, `*` standing for any part of a name. */
    names: readonly string[] | null;
  };
}

/** Below what Linux gives to outgoing connections (32768 and up), so that none of them takes a server's port. */
export const DEFAULT_PORTS: Readonly<PortRange> = { from: 20_000, to: 29_999 };

/** A host whose owner says nothing: nothing but the template that it is there for, with plugins that are verified. */
export function strictPolicy(source: string): HostPolicy {
  return { ...openPolicy(source), templates: ["drasi-server"], plugins: "verified" };
}

/**
 * A host whose owner is the one who asks: nothing is refused but other users than the worker's.
 * @param templates what its platform can run
 */
export function openPolicy(
  source: string,
  templates: readonly Template[] = TEMPLATES_OF.process,
): HostPolicy {
  return {
    source,
    templates,
    binaries: null,
    images: null,
    users: [],
    folders: null,
    limits: { memoryBytes: null, cpus: null, processes: null, openFiles: null },
    limitsMustHold: false,
    plugins: "any",
    ports: DEFAULT_PORTS,
    isPortRangeBinding: false,
    secrets: { folder: null, names: null },
  };
}

/**
 * The policy in a `worker.yaml` that was read as YAML, or every fault in it. What it does not say is as in `silent`.
 * An empty file says nothing.
 */
export function parseHostPolicy(content: unknown, silent: HostPolicy): Parsed<HostPolicy> {
  const result = fileSchema.safeParse(content ?? {});
  if (!result.success) return { ok: false, faults: faultsOf(result).map(withKnownKeys) };
  const said = result.data;
  return {
    ok: true,
    value: {
      source: silent.source,
      templates: said.templates ?? silent.templates,
      binaries: said.binaries ?? silent.binaries,
      images: said.images ?? silent.images,
      users: said.users ?? silent.users,
      folders: said.folders ?? silent.folders,
      limits: {
        memoryBytes: said.limits?.memory ?? silent.limits.memoryBytes,
        cpus: said.limits?.cpus ?? silent.limits.cpus,
        processes: said.limits?.processes ?? silent.limits.processes,
        openFiles: said.limits?.openFiles ?? silent.limits.openFiles,
      },
      limitsMustHold: said.limits?.mustHold ?? silent.limitsMustHold,
      plugins: said.plugins ?? silent.plugins,
      ports: said.ports ?? silent.ports,
      isPortRangeBinding: said.ports !== undefined || silent.isPortRangeBinding,
      secrets: {
        folder: said.secrets?.folder ?? silent.secrets.folder,
        names: said.secrets?.names ?? silent.secrets.names,
      },
    },
  };
}

const UNITS: Readonly<Record<string, number>> = {
  "": 1,
  KiB: 1_024,
  MiB: 1_024 ** 2,
  GiB: 1_024 ** 3,
  TiB: 1_024 ** 4,
};
const MEMORY_FORM = "must be a size, for example 512MiB or 2GiB";
const LEAST_MEMORY_BYTES = 1_024 ** 2;

const memory = z.union([z.string(), z.number()], { error: MEMORY_FORM }).transform(
  (size, context) => {
    const [, count = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,3})?) ?([KMGT]iB)?$/.exec(String(size)) ??
      [];
    const bytes = Math.floor(Number(count || NaN) * UNITS[unit]!);
    if (bytes >= LEAST_MEMORY_BYTES) return bytes;
    context.addIssue({ code: "custom", message: `${MEMORY_FORM}, and at least 1MiB` });
    return z.NEVER;
  },
);

const PORTS_FORM = "must be a range of ports from 1 to 65535, for example 20000-29999";

const ports = z.union([z.string(), z.number()], { error: PORTS_FORM }).transform(
  (text, context): PortRange => {
    const [, first = "", last = first] = /^(\d{1,5})(?:\s*-\s*(\d{1,5}))?$/.exec(String(text)) ??
      [];
    const [from, to] = [Number(first || NaN), Number(last || NaN)];
    if (from >= 1 && from <= to && to <= 65_535) return { from, to };
    context.addIssue({ code: "custom", message: PORTS_FORM });
    return z.NEVER;
  },
);

const absolutePath = (error: string) =>
  z.string({ error }).refine(
    (path) => path.startsWith("/") && !path.includes("\0") && !/(^|\/)\.\.?(\/|$)/.test(path),
    { error },
  );

const wholeNumber = (most: number) => {
  const error = `must be a whole number from 1 to ${most}`;
  return z.number({ error }).int(error).min(1, error).max(most, error);
};
const cpusForm = "must be a number of cores from 0.01 to 1024, for example 1.5";

const listOf = (item: z.ZodType<string>, example: string) =>
  z.array(item, { error: `must be a list, for example [${example}]` });

const fileSchema = z.strictObject({
  templates: z.array(templateSchema, {
    error: "must be a list, for example [drasi-server, command]",
  }),
  binaries: listOf(
    absolutePath("must be an absolute path without . and .., for example /opt/apps/*/bin/*"),
    "/usr/bin/redis-server",
  ),
  images: listOf(
    z.string({ error: "must be an image, for example registry.example.com/apps/**" })
      .regex(/^[A-Za-z0-9*][A-Za-z0-9._:/@*-]{0,254}$/, {
        error: "must be an image, for example redis:* or registry.example.com/apps/**",
      }),
    '"redis:*"',
  ),
  users: listOf(
    z.string({ error: "must be the name of a user" })
      .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}\$?$/, "must be the name of a user"),
    "app",
  ),
  folders: listOf(absolutePath("must be an absolute path without . and .."), "/srv/apps"),
  limits: z.strictObject({
    memory,
    cpus: z.number({ error: cpusForm }).min(0.01, cpusForm).max(1_024, cpusForm),
    processes: wholeNumber(4_194_304),
    openFiles: wholeNumber(1_073_741_816),
    mustHold: z.boolean({ error: "must be true or false" }),
  }, { error: "must hold limits, for example { memory: 2GiB, processes: 200 }" }).partial(),
  plugins: z.enum(["verified", "any"], { error: "must be one of verified, any" }),
  ports,
  secrets: z.strictObject({
    folder: absolutePath("must be an absolute path without . and .."),
    names: listOf(
      z.string({ error: "must be the name of a secret, for example db-password" })
        .regex(/^[A-Za-z0-9*][A-Za-z0-9._*-]{0,63}$/, {
          error: "must be the name of a secret, for example db-password or db-*",
        }),
      "db-*",
    ),
  }, { error: "must hold folder and names, for example { names: [db-*] }" }).partial(),
}, { error: "must hold rules, one a line, for example templates: [drasi-server, command]" })
  .partial();

const KEYS: Readonly<Record<string, string>> = {
  "": Object.keys(fileSchema.shape).join(", "),
  limits: "memory, cpus, processes, openFiles, mustHold",
  secrets: "folder, names",
};

/** What may stand in the place of a key that is not known. */
function withKnownKeys(fault: Fault): Fault {
  if (fault.message !== "is not a known field") return fault;
  const place = fault.path.split(".").slice(0, -1).join(".");
  return { path: fault.path, message: `is not a rule; the rules here are ${KEYS[place]}` };
}
