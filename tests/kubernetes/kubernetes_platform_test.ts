/** The kubernetes platform holds the platform contract, on a test cluster or a real one. */
import { type PlatformContract, platformContract } from "../contracts/platform_contract.ts";
import { secretsIn } from "../contracts/kept_secrets.ts";
import { isRealCluster } from "./cluster/test_cluster.ts";
import { shellImage, withKubernetesWorld } from "./kubernetes_world.ts";

const contract: PlatformContract = {
  template: "image",
  steady: shellImage("echo hello; exec sleep 1000"),
  exitsWith: (code) => shellImage(`sleep 2; exit ${code}`),
  exitsAtOnceWith: (code) => shellImage(`exit ${code}`),
  neverReady: shellImage("exec sleep 1000", {
    ports: [{ port: 1 }],
    readiness: { tcp: {}, withinMs: 1_000 },
  }),
  invalid: { command: [1], image: "" },
  shell: shellImage,
  withPort: { ports: [{ port: 80 }] },
  hasMetrics: !isRealCluster(),
};

platformContract(
  "kubernetes platform",
  contract,
  (name, run) =>
    Deno.test(
      name,
      () => withKubernetesWorld((world) => run(world.platform, world.reopen, secretsIn(world))),
    ),
);
