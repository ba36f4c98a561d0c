/** Who this host is to registries: what `docker login` has kept for its user. Pure. */
import { z } from "zod";

/** For one registry. */
export interface RegistryCredentials {
  username: string;
  password: string;
  serveraddress: string;
}

/** By registry, as the file names them. */
export type KnownRegistries = ReadonlyMap<string, RegistryCredentials>;

/** Docker's own registry, which is meant where an image names none. */
const DOCKER_HUB = "https://index.docker.io/v1/";
/** What an image may call it. */
const HUB_NAMES = ["docker.io", "index.docker.io"];

const fileSchema = z.object({
  auths: z.record(z.string(), z.object({ auth: z.string().optional() })).default({}),
});

/**
 * What is in a `config.json` of Docker's client; null for one that is none. What is kept by a credential helper is not
 * in it, and is left out.
 */
export function parseRegistries(text: string): KnownRegistries | null {
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) return null;
  return new Map(
    Object.entries(parsed.data.auths).flatMap(([serveraddress, { auth = "" }]) => {
      const [, username, password] = /^([^:]+):(.*)$/s.exec(decoded(auth)) ?? [];
      return username === undefined || password === undefined
        ? []
        : [[serveraddress, { username, password, serveraddress }] as const];
    }),
  );
}

/** What an image is asked for with; undefined where nothing is known of its registry. */
export function credentialsFor(
  image: string,
  known: KnownRegistries,
): RegistryCredentials | undefined {
  const [first = ""] = image.split("/");
  const isHost = image.includes("/") && (/[.:]/.test(first) || first === "localhost");
  if (!isHost || HUB_NAMES.includes(first)) return known.get(DOCKER_HUB);
  return known.get(first) ?? known.get(`https://${first}`);
}

function decoded(auth: string): string {
  try {
    return new TextDecoder().decode(Uint8Array.fromBase64(auth));
  } catch {
    return "";
  }
}
