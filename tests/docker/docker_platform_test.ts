/** The docker platform holds the platform contract, on a real daemon. */
import { type PlatformContract, platformContract } from "../contracts/platform_contract.ts";
import { stopDockerDaemon, testWithDocker } from "../support/docker_daemon.ts";
import { secretsIn } from "../contracts/kept_secrets.ts";
import { shellImage, withDockerWorld } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const contract: PlatformContract = {
  template: "image",
  steady: shellImage("echo hello; exec sleep 1000"),
  exitsWith: (code) => shellImage(`sleep 0.6; exit ${code}`),
  exitsAtOnceWith: (code) => shellImage(`exit ${code}`),
  neverReady: shellImage("exec sleep 1000", {
    ports: [{ port: 80 }],
    readiness: { tcp: {}, withinMs: 1_000 },
  }),
  invalid: { command: [1], image: "" },
  shell: shellImage,
  withPort: { ports: [{ port: 80 }] },
  hasMetrics: true,
};

platformContract(
  "docker platform",
  contract,
  (name, run) =>
    testWithDocker(
      name,
      (daemon) =>
        withDockerWorld(daemon, (world) => run(world.platform, world.reopen, secretsIn(world))),
    ),
);
