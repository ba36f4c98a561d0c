/** Who this host is to registries: what `docker login` has kept for its user, and who keeps the rest. Pure. */
import { z } from "zod";

/** For one registry: a user's password, or a token in the place of both. */
export type RegistryCredentials =
  | { username: string; password: string; serveraddress: string }
  | { identitytoken: string; serveraddress: string };

/** What Docker's client knows of registries. */
export interface KnownRegistries {
  /** By registry, as the file names them. */
  kept: ReadonlyMap<string, RegistryCredentials>;
  /** The names of the programs that keep credentials, by registry. */
  helpers: ReadonlyMap<string, string>;
  /** Of the program for all other registries; null: none. */
  store: string | null;
}

/** Where a registry's credentials are. `server` is the registry, as Docker's client names it. */
export type CredentialsPlace =
  | { kind: "helper"; helper: string; server: string }
  | { kind: "kept"; credentials: RegistryCredentials | undefined };

export const NO_REGISTRIES: KnownRegistries = { kept: new Map(), helpers: new Map(), store: null };

/** Docker's own registry, which is meant where an image names none. */
const DOCKER_HUB = "https://index.docker.io/v1/";
/** What an image may call it. */
const HUB_NAMES = ["docker.io", "index.docker.io"];
/** What a helper calls the user of a token. */
const TOKEN_USER = "<token>";

const fileSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
  credHelpers: z.record(z.string(), z.string()).default({}),
  credsStore: z.string().default(""),
});

const answerSchema = z.object({ Username: z.string(), Secret: z.string() });

/** What is in a `config.json` of Docker's client; null for one that is none. */
export function parseRegistries(text: string): KnownRegistries | null {
  const parsed = fileSchema.safeParse(jsonIn(text));
  if (!parsed.success) return null;
  const { auths, credHelpers, credsStore } = parsed.data;
  return {
    kept: new Map(
      Object.entries(auths).flatMap(([serveraddress, { auth = "" }]) => {
        const [, username, password] = /^([^:]+):(.*)$/s.exec(decoded(auth)) ?? [];
        return username === undefined || password === undefined
          ? []
          : [[serveraddress, { username, password, serveraddress }] as const];
      }),
    ),
    helpers: new Map(Object.entries(credHelpers)),
    store: credsStore === "" ? null : credsStore,
  };
}

/** Where to look for what an image is asked for with. */
export function credentialsPlace(
  image: string,
  { kept, helpers, store }: KnownRegistries,
): CredentialsPlace {
  const [first = ""] = image.split("/");
  const isHost = image.includes("/") && (/[.:]/.test(first) || first === "localhost");
  const isHub = !isHost || HUB_NAMES.includes(first);
  const server = isHub ? DOCKER_HUB : first;
  const names = isHub ? [DOCKER_HUB, ...HUB_NAMES] : [first, `https://${first}`];
  const own = names.flatMap((name) => helpers.get(name) ?? [])[0];
  const helper = own ?? store;
  if (helper !== null) return { kind: "helper", helper, server };
  return { kind: "kept", credentials: kept.get(server) ?? kept.get(`https://${first}`) };
}

/** What a helper's `get` has answered for `server`; null for what is no answer. */
export function parseHelperAnswer(text: string, server: string): RegistryCredentials | null {
  const parsed = answerSchema.safeParse(jsonIn(text));
  if (!parsed.success) return null;
  const { Username, Secret } = parsed.data;
  return Username === TOKEN_USER
    ? { identitytoken: Secret, serveraddress: server }
    : { username: Username, password: Secret, serveraddress: server };
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function decoded(auth: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(auth));
  } catch {
    return "";
  }
}
