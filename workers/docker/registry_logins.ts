/** Finds what an image is asked for with, anew for each pull: what a credential helper keeps changes, or lasts for hours only. */
import {
  credentialsPlace,
  type KnownRegistries,
  NO_REGISTRIES,
  type RegistryCredentials,
} from "./registry_credentials.ts";

/** What a helper has answered. */
export type HelperAnswer =
  | { kind: "found"; credentials: RegistryCredentials }
  | { kind: "none" }
  /** In words that tell no secret. */
  | { kind: "failed"; problem: string };

/** Asks the helper of this name for a registry's credentials. Never rejects. */
export type AskHelper = (
  helper: string,
  server: string,
  signal: AbortSignal,
) => Promise<HelperAnswer>;

/** What a pull takes along. */
export interface RegistryLogin {
  /** Undefined: nothing is known of the registry. */
  credentials: RegistryCredentials | undefined;
  /** Why there may be more that could not be had; null: there is not. */
  problem: string | null;
}

export class RegistryLogins {
  constructor(
    private readonly known: KnownRegistries,
    private readonly ask: AskHelper,
  ) {}

  /** A helper that fails is no reason not to try: the image may be one that everybody can have. */
  async loginFor(image: string, signal: AbortSignal): Promise<RegistryLogin> {
    const place = credentialsPlace(image, this.known);
    if (place.kind === "kept") return { credentials: place.credentials, problem: null };
    const answer = await this.ask(place.helper, place.server, signal);
    return {
      credentials: answer.kind === "found" ? answer.credentials : undefined,
      problem: answer.kind === "failed" ? answer.problem : null,
    };
  }
}

/** Of a host that is nobody to any registry. */
export const NO_LOGINS: RegistryLogins = new RegistryLogins(
  NO_REGISTRIES,
  () => Promise.resolve({ kind: "none" }),
);
