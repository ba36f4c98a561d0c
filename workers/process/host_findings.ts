/** What facts about a host mean for a worker there: each one as it should be, worth a thought, or in the way. Pure. */
import type { HostPolicy } from "../policy/host_policy.ts";
import type { HostFacts } from "./host_facts.ts";

/** One thing that was looked at. */
export interface Finding {
  check: string;
  /** `warn`: the worker runs, but less than it could; `fail`: it does not, or not what it is there for. */
  outcome: "ok" | "warn" | "fail";
  saw: string;
  /** What to do; absent where nothing is to be done. */
  advice?: string;
}

/** What is known of a host besides what its `sh` says. */
export interface HostView {
  facts: HostFacts;
  policy: HostPolicy;
  /** Whether other users than its owner may change the file that the policy is in. */
  isPolicyOpenToOthers: boolean;
  /** Of the ports of `policy.ports`. */
  freePorts: number;
  dataFolder: DataFolderView;
  /** Its version is null where it does not tell. */
  drasiServer: { path: string; version: string | null } | { problem: string };
  /** Secrets that cannot be used, and why. */
  badSecrets: readonly string[];
}

/** The worker's data folder. */
export interface DataFolderView {
  path: string;
  /** Why it cannot be used; null: it can. */
  problem: string | null;
  /** Whether other users may look into it. */
  isOpenToOthers: boolean;
  /** Whether a worker works there right now. */
  isInUse: boolean;
}

const DISK_FREE_KIB_LEAST = 1_024 ** 2;
const OPEN_FILES_LEAST = 4_096;

/** All findings about the host itself, in the order in which a worker meets them. */
export function hostFindings(view: HostView): Finding[] {
  return [
    userFinding(view.facts),
    toolFinding(view.facts),
    folderFinding(view.dataFolder),
    diskFinding(view),
    policyFinding(view),
    drasiServerFinding(view),
    portFinding(view),
    cgroupFinding(view.facts),
    openFilesFinding(view.facts),
    ...view.badSecrets.map((saw): Finding => ({ check: "secret", outcome: "fail", saw })),
  ];
}

function userFinding({ user = "unknown", uid }: HostFacts): Finding {
  if (uid !== "0") return { check: "user", outcome: "ok", saw: user };
  return {
    check: "user",
    outcome: "warn",
    saw: `${user}: servers may do everything on this host, unless they run as other users`,
    advice: "Run the worker as a user of its own, or name a user for each instance.",
  };
}

function toolFinding(facts: HostFacts): Finding {
  const missing = ["sh", "flock", "setsid"].filter((name) => facts[`tool.${name}`] === undefined);
  const check = "tools";
  if (missing.length > 0) {
    return {
      check,
      outcome: "fail",
      saw: `${missing.join(", ")} not on the PATH`,
      advice: "Install util-linux (Linux only).",
    };
  }
  if (facts.flock !== "works") {
    return {
      check,
      outcome: "fail",
      saw: "flock does not lock",
      advice: "Install the flock of util-linux.",
    };
  }
  if (facts.boot === undefined) {
    return { check, outcome: "fail", saw: "/proc cannot be read", advice: "Mount /proc." };
  }
  return { check, outcome: "ok", saw: "sh, flock, setsid, /proc" };
}

function folderFinding({ path, problem, isOpenToOthers, isInUse }: DataFolderView): Finding {
  const check = "data folder";
  if (problem !== null) {
    return {
      check,
      outcome: "fail",
      saw: `${path}: ${problem}`,
      advice: "Give the worker's user the right to write there, or set DRAAS_DATA_DIR.",
    };
  }
  if (isOpenToOthers) {
    return {
      check,
      outcome: "warn",
      saw: `${path} can be looked into by other users`,
      advice: `Run: chmod 700 ${path}`,
    };
  }
  return { check, outcome: "ok", saw: isInUse ? `${path}, a worker works there now` : path };
}

function diskFinding({ facts, dataFolder }: HostView): Finding {
  const free = Number(facts.disk_free_kib ?? NaN);
  const saw = `${(free / 1_024 ** 2).toFixed(1)} GiB free below ${dataFolder.path}`;
  if (free >= DISK_FREE_KIB_LEAST) return { check: "disk", outcome: "ok", saw };
  return Number.isNaN(free)
    ? { check: "disk", outcome: "warn", saw: "its free space is not known" }
    : { check: "disk", outcome: "warn", saw, advice: "Free some: on a full disk nothing starts." };
}

function policyFinding({ policy, isPolicyOpenToOthers }: HostView): Finding {
  const { source, templates, binaries } = policy;
  const runs = templates.join(", ") || "nothing";
  const check = "allowed";
  if (isPolicyOpenToOthers) {
    return {
      check,
      outcome: "fail",
      saw: `${runs}, by ${source}, which other users may change`,
      advice: `Run: chmod o-w ${source}`,
    };
  }
  if (!templates.includes("command")) return { check, outcome: "ok", saw: `${runs}, by ${source}` };
  if (binaries !== null) {
    return { check, outcome: "ok", saw: `${runs} (${binaries.length} binaries), by ${source}` };
  }
  return {
    check,
    outcome: "warn",
    saw: `${runs}, by ${source}: any program of this host`,
    advice: "List the programs: binaries: [/usr/bin/redis-server]",
  };
}

function drasiServerFinding({ policy, drasiServer }: HostView): Finding {
  const check = "drasi-server";
  if (!policy.templates.includes("drasi-server")) {
    return { check, outcome: "ok", saw: "not needed: the host does not allow it" };
  }
  if ("problem" in drasiServer) {
    const isAllThereIs = policy.templates.length === 1;
    return {
      check,
      outcome: isAllThereIs ? "fail" : "warn",
      saw: drasiServer.problem,
      advice: "Install drasi-server, or set DRASI_SERVER_BIN to its path.",
    };
  }
  const { path, version } = drasiServer;
  if (version !== null) return { check, outcome: "ok", saw: `${version}, ${path}` };
  return {
    check,
    outcome: "fail",
    saw: `${path} does not tell its version`,
    advice: `Run: ${path} --version`,
  };
}

function portFinding({ facts, policy, freePorts }: HostView): Finding {
  const { from, to } = policy.ports;
  const all = to - from + 1;
  const saw = `${freePorts} of ${all} free from ${from} to ${to}`;
  const check = "ports";
  const advice = "Give it other ones: ports: 20000-29999 in its worker.yaml.";
  if (freePorts === 0) return { check, outcome: "fail", saw, advice };
  const [first = NaN, last = NaN] = (facts.outgoing_ports ?? "").split("-").map(Number);
  if (from <= last && to >= first) {
    return {
      check,
      outcome: "warn",
      saw: `${saw}; outgoing connections take theirs from ${first} to ${last}`,
      advice,
    };
  }
  return freePorts < all / 10
    ? { check, outcome: "warn", saw, advice }
    : { check, outcome: "ok", saw };
}

function cgroupFinding({ cgroups = "none", cgroup_writable, controllers }: HostFacts): Finding {
  const check = "cgroups";
  if (cgroups !== "none" && cgroup_writable !== undefined) {
    const held = controllers === undefined ? "" : ` (${controllers})`;
    return { check, outcome: "ok", saw: `version ${cgroups}, writable${held}` };
  }
  return {
    check,
    outcome: "warn",
    saw: cgroups === "none" ? "none" : `version ${cgroups}, not writable for this user`,
    advice:
      "Limits of memory, cpus and processes need them: Delegate=yes in the worker's unit, or root.",
  };
}

function openFilesFinding({ open_files = "" }: HostFacts): Finding {
  const check = "open files";
  if (open_files === "unlimited" || Number(open_files) >= OPEN_FILES_LEAST) {
    return { check, outcome: "ok", saw: `at most ${open_files}` };
  }
  return {
    check,
    outcome: "warn",
    saw: `at most ${open_files || "an unknown number"}`,
    advice: "LimitNOFILE=65536 in the worker's unit, or ulimit -n 65536.",
  };
}
