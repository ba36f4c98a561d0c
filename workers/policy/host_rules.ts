/** Whether a host allows a run: its policy against what the run would take. Pure; paths come resolved. */
import type { Template } from "../../events/configuration.ts";
import type { Failure } from "../platform.ts";
import type { HostPolicy, LargestLimits } from "./host_policy.ts";

/** What a run would take of the host. Absent: it does not ask for it. */
export interface LaunchWish {
  template: Template;
  /** Of `command`: the program's path, its folder free of symbolic links. */
  program?: string;
  /** Of `image`, as the configuration names it. */
  image?: string;
  /** The names of the variables that the configuration sets. */
  variables?: readonly string[];
  /** Folders outside of the instance's own that it works in or writes to, free of symbolic links. */
  folders?: readonly string[];
  /** The user that it is to run as, where that is not the worker's. */
  user?: string;
  limits?: AskedLimits;
  /** Fields of the configuration that let other plugins in than verified ones. */
  pluginFields?: readonly string[];
  /** A port that the configuration names. */
  port?: number;
  /** The names of the secrets that the configuration refers to. */
  secrets?: readonly string[];
}

/** Limits by name; absent, undefined or null: none. */
export type AskedLimits = { readonly [Name in keyof LargestLimits]?: number | null | undefined };

/** One rule that forbids a wish, and why. */
export interface Refusal {
  /** The rule's path in `worker.yaml`. */
  rule: string;
  reason: string;
}

const LIMIT_RULES: readonly [key: keyof LargestLimits, rule: string, unit: string][] = [
  ["memoryBytes", "limits.memory", " bytes"],
  ["cpus", "limits.cpus", " cores"],
  ["processes", "limits.processes", " processes"],
  ["openFiles", "limits.openFiles", " open files"],
];

/** Variables by which the dynamic loader runs other code than the program's: they would undo `binaries`. */
const LOADER_VARIABLE = /^LD_/;

/** Every rule that forbids the wish; an empty list: it is allowed. */
export function refusals(policy: HostPolicy, wish: LaunchWish): Refusal[] {
  return [
    ...templateRefusals(policy, wish),
    ...binaryRefusals(policy, wish),
    ...imageRefusals(policy, wish),
    ...userRefusals(policy, wish),
    ...folderRefusals(policy, wish),
    ...limitRefusals(policy, wish),
    ...pluginRefusals(policy, wish),
    ...portRefusals(policy, wish),
    ...secretRefusals(policy, wish),
  ];
}

/** The failure `host_refused` that names every rule that forbids the wish; null where none does. */
export function hostRefusal(policy: HostPolicy, wish: LaunchWish): Failure | null {
  const found = refusals(policy, wish);
  if (found.length === 0) return null;
  const told = found.map(({ rule, reason }) => `rule "${rule}": ${reason}`).join("; ");
  return {
    code: "host_refused",
    message: `refused by ${policy.source}, ${told}`,
    retryable: false,
  };
}

/** The limits of a run: what it asks for, else the largest that the host allows; without those that nobody sets. */
export function limitsOf(
  policy: HostPolicy,
  asked: AskedLimits,
): { [Name in keyof LargestLimits]?: number } {
  const all = LIMIT_RULES.map(([name]) => [name, asked[name] ?? policy.limits[name]]);
  return Object.fromEntries(all.filter(([, value]) => value !== null));
}

/** Whether `path` matches a pattern: `*` is any part of one name, `**` of several. */
export function matchesPattern(pattern: string, path: string): boolean {
  const source = pattern.split(/(\*\*|\*)/).map((part) => {
    if (part === "**") return ".*";
    if (part === "*") return "[^/]*";
    return part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  }).join("");
  return new RegExp(`^${source}$`, "s").test(path);
}

function templateRefusals({ templates }: HostPolicy, { template }: LaunchWish): Refusal[] {
  if (templates.includes(template)) return [];
  return [{
    rule: "templates",
    reason: `this host runs no ${template}; it runs ${listed(templates)}`,
  }];
}

/** Whether this program may run; its folder comes free of symbolic links. */
export function mayRunProgram({ binaries }: HostPolicy, program: string): boolean {
  return binaries === null || binaries.some((pattern) => matchesPattern(pattern, program));
}

function binaryRefusals(policy: HostPolicy, { program, variables }: LaunchWish): Refusal[] {
  const { binaries } = policy;
  if (binaries === null || program === undefined) return [];
  const loader = (variables ?? []).filter((name) => LOADER_VARIABLE.test(name));
  return [
    ...(mayRunProgram(policy, program)
      ? []
      : [{ rule: "binaries", reason: `${program} is not one of ${listed(binaries)}` }]),
    ...loader.map((name) => ({
      rule: "binaries",
      reason: `${name} would make the program run other code`,
    })),
  ];
}

function imageRefusals({ images }: HostPolicy, { image }: LaunchWish): Refusal[] {
  if (images === null || image === undefined) return [];
  if (images.some((pattern) => matchesPattern(pattern, image))) return [];
  return [{ rule: "images", reason: `${image} is not one of ${listed(images)}` }];
}

/** Why no server may run as this user; null where it may. */
export function whyNotAs({ users }: HostPolicy, user: string): string | null {
  if (users.includes(user)) return null;
  const others = users.length === 0 ? "" : ` or ${listed(users)}`;
  return `this host lets its servers run as the worker's own user${others} only, not as ${user}`;
}

function userRefusals(policy: HostPolicy, { user }: LaunchWish): Refusal[] {
  const reason = user === undefined ? null : whyNotAs(policy, user);
  return reason === null ? [] : [{ rule: "users", reason }];
}

function folderRefusals(policy: HostPolicy, { folders = [] }: LaunchWish): Refusal[] {
  const allowed = policy.folders;
  if (allowed === null) return [];
  return folders.filter((folder) => !allowed.some((root) => isWithin(folder, root))).map((
    folder,
  ) => ({
    rule: "folders",
    reason: `${folder} is not in the instance's own folder${
      allowed.length === 0 ? "" : `, nor in ${listed(allowed)}`
    }`,
  }));
}

function isWithin(folder: string, root: string): boolean {
  return folder === root || folder.startsWith(root.endsWith("/") ? root : `${root}/`);
}

function limitRefusals({ limits }: HostPolicy, { limits: asked = {} }: LaunchWish): Refusal[] {
  return LIMIT_RULES.flatMap(([key, rule, unit]) => {
    const [wanted, most] = [asked[key], limits[key]];
    if (wanted === undefined || wanted === null || most === null || wanted <= most) return [];
    return [{ rule, reason: `${wanted}${unit} are asked for, and the most is ${most}` }];
  });
}

function pluginRefusals({ plugins }: HostPolicy, { pluginFields = [] }: LaunchWish): Refusal[] {
  if (plugins === "any") return [];
  return pluginFields.map((field) => ({
    rule: "plugins",
    reason: `${field} would let plugins in that are not verified`,
  }));
}

function portRefusals(policy: HostPolicy, { port }: LaunchWish): Refusal[] {
  const { from, to } = policy.ports;
  if (!policy.isPortRangeBinding || port === undefined || (port >= from && port <= to)) return [];
  return [{
    rule: "ports",
    reason: `port ${port} is not in ${from}-${to}; without a port a free one of these is taken`,
  }];
}

function secretRefusals(policy: HostPolicy, { secrets = [] }: LaunchWish): Refusal[] {
  const { names } = policy.secrets;
  if (names === null) return [];
  return secrets.filter((name) => !names.some((pattern) => matchesPattern(pattern, name)))
    .map((name) => ({
      rule: "secrets.names",
      reason: `the secret ${name} may not be used by instances of this host`,
    }));
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? "none" : names.join(", ");
}
