/** The process platform holds the platform contract. */
import { platformContract } from "../contracts/platform_contract.ts";
import { shell, withWorld, writeSecret } from "./process_world.ts";

platformContract("process platform", {
  template: "command",
  steady: shell("echo hello; exec sleep 1000"),
  exitsWith: (code) => shell(`sleep 0.6; exit ${code}`),
  exitsAtOnceWith: (code) => shell(`exit ${code}`),
  neverReady: shell("exec sleep 1000", { readiness: { tcp: {}, withinMs: 1_000 } }),
  invalid: { command: [], port: -1 },
  shell,
  withPort: { port: 0 },
  hasMetrics: true,
}, (name, run) =>
  Deno.test(name, () =>
    withWorld((world) =>
      run(world.platform, world.reopen, {
        keepSecret: (secret, value) => writeSecret(world, secret, value),
      })
    )));
