/** Plays the steps of the tape against a server, and writes its answers in a form that another run can be held against. */
import type { ApiAddress } from "./api_client.ts";
import { type Fields, isFields } from "./kube_objects.ts";
import type { TapeStep } from "./tape_objects.ts";

/** An answer, without what differs from run to run. */
export interface TapeAnswer {
  say: string;
  status: number;
  body: unknown;
}

/** The media types of patches. */
const TYPES = {
  merge: "application/merge-patch+json",
  json: "application/json-patch+json",
  apply: "application/apply-patch+yaml",
  strategic: "application/strategic-merge-patch+json",
};

/** Plays a group in a namespace that is made for it; gives back its answers. */
export async function playGroup(
  address: ApiAddress,
  group: string,
  steps: readonly TapeStep[],
): Promise<TapeAnswer[]> {
  const client = Deno.createHttpClient(
    address.authority ? { caCerts: [address.authority] } : {},
  );
  const namespace = `tape-${group}-${crypto.randomUUID().slice(0, 8)}`;
  const kept: Record<string, unknown> = { ns: namespace };
  const known: Known = new Map([["namespace", namespace]]);
  const send = (step: TapeStep) => sendStep(address, client, step, kept);
  try {
    await send({
      say: "",
      method: "POST",
      path: "/api/v1/namespaces",
      query: { fieldManager: "creator" },
      body: { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    });
    // A real cluster lets no pod in before it has made the namespace's account.
    await new Promise((resolve) => setTimeout(resolve, address.authority ? 1_000 : 0));
    const answers: TapeAnswer[] = [];
    for (const step of steps) {
      const { status, body } = await send(step);
      if (step.keep) kept[step.keep] = body;
      answers.push({ say: step.say, status, body: normalized(body, known) });
    }
    return answers;
  } finally {
    client.close();
  }
}

async function sendStep(
  { url, token }: ApiAddress,
  client: Deno.HttpClient,
  step: TapeStep,
  kept: Record<string, unknown>,
): Promise<{ status: number; body: unknown }> {
  const target = new URL(url + filled(step.path, kept));
  for (const [name, value] of Object.entries(step.query ?? {})) {
    target.searchParams.set(name, String(filled(value, kept)));
  }
  const type = step.patch ? TYPES[step.patch] : "application/json";
  const response = await fetch(target, {
    method: step.method,
    client,
    headers: {
      authorization: `Bearer ${token}`,
      "user-agent": "tape/1",
      ...(step.body === undefined ? {} : { "content-type": type }),
    },
    ...(step.body === undefined ? {} : { body: JSON.stringify(filled(step.body, kept)) }),
  });
  const text = await response.text();
  const lines = text.split("\n").filter((line) => line !== "");
  if (step.query?.watch === "true" && response.ok) {
    return { status: response.status, body: lines.map((line) => JSON.parse(line)) };
  }
  return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
}

/** `{name.path}` replaced, in all texts of a value; a text that is nothing else becomes the value itself. */
function filled(value: unknown, kept: Record<string, unknown>): unknown {
  if (typeof value === "string") {
    const whole = /^\{([\w.]+)\}$/.exec(value);
    if (whole) return fieldAt(kept, whole[1] ?? "");
    return value.replace(/\{([a-z][\w.]*)\}/g, (_, path) => String(fieldAt(kept, path)));
  }
  if (Array.isArray(value)) return value.map((item) => filled(item, kept));
  if (!isFields(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, filled(field, kept)]),
  );
}

function fieldAt(kept: Record<string, unknown>, path: string): unknown {
  let value: unknown = kept;
  for (const step of path.split(".")) value = (value as Fields | undefined)?.[step];
  return value;
}

/** What was seen, and how it is called; and the namespace. */
type Known = Map<string, string>;

const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** Versions and uids by the order in which they come up, so that what stays the same is seen to; times by a word. */
function normalized(value: unknown, known: Known, name = ""): unknown {
  if (Array.isArray(value)) return value.map((item) => normalized(item, known, name));
  if (isFields(value)) {
    return Object.fromEntries(
      Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1)
        .map(([field, item]) => [field, normalized(item, known, field)]),
    );
  }
  if (typeof value !== "string") return value;
  if (name === "resourceVersion") return named("rv", value, known);
  if (name === "continue") return "<continue>";
  if (name === "clusterIP" || name === "clusterIPs") return value.replace(/^10\..*/, "<ip>");
  if (value.startsWith("made-")) return "made-<random>";
  return value.replaceAll(known.get("namespace") ?? "", "<namespace>")
    // Whole objects and Go's structures, which only the real server can print.
    .replace(/Invalid value: "\{.*\}": /s, "Invalid value: <object>: ")
    .replace(/\n@@.*/s, "")
    .replace(/got &.*$/, "got <value>")
    .replace(/too old resource version: \d+ \(\d+\)/, "too old resource version: <rv>")
    .replace(/(ResourceVersion in record \()\d+/, "$1<rv>")
    .replace(UUID, (uid) => named("uid", uid, known))
    .replace(TIME, (time) => time.startsWith("2026-01-01T00:00:00") ? time : "<time>");
}

function named(kind: string, value: string, known: Known): string {
  if (value.startsWith("00000000-")) return value;
  const key = `${kind} ${value}`;
  const count = [...known.keys()].filter((each) => each.startsWith(kind)).length;
  const name = known.get(key) ?? `<${kind} ${count + 1}>`;
  known.set(key, name);
  return name;
}
