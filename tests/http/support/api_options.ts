/** What an API in a test is made of, unless the test wants something else. */
import { hostClock } from "../../../adapters/host/host_clock.ts";
import { hostIds, idFromKey } from "../../../adapters/host/host_chance.ts";
import type { HttpOptions } from "../../../http/options.ts";

/** Options for an API over `system`, as a loopback server without a token has them. */
export function apiOptions(
  system: HttpOptions["system"],
  onBug: HttpOptions["onBug"] = () => {},
): HttpOptions {
  return {
    system,
    tokens: null,
    clock: hostClock,
    ids: hostIds,
    onBug,
    allowedHosts: [],
    defaultTimeoutMs: 5_000,
    queueTimeoutMs: 60_000,
    version: "0.0.0-test",
    deriveId: (key) => idFromKey("test", key),
  };
}
