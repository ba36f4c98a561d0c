/** A daemon that is reached over TCP and TLS, as a worker beside another host's daemon does. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { withFleet } from "../e2e/support/redis_fleet.ts";
import { makeCertificates } from "../support/certificates.ts";
import { startDockerDaemon, stopDockerDaemon } from "../support/docker_daemon.ts";
import { testWith } from "../support/tools.ts";
import { shellImage } from "./docker_world.ts";

Deno.test.afterAll(stopDockerDaemon);

const INSTANCES = "/api/server/instances";

testWith(
  ["dockerd", "docker", "busybox", "tar", "openssl", "redis-server"],
  "a daemon over TLS takes a worker with its certificates, and no other",
  () =>
    withFleet(async (fleet) => {
      const { folder } = fleet;
      await makeCertificates(folder, ["daemon", "client"]);
      const port = freePort();
      await startDockerDaemon([
        ...["-H", `tcp://127.0.0.1:${port}`, "--tlsverify", "--tlscacert", `${folder}/ca.pem`],
        ...["--tlscert", `${folder}/daemon.pem`, "--tlskey", `${folder}/daemon.key`],
      ]);
      const own = `${folder}/client`;
      await Deno.mkdir(own);
      await Deno.copyFile(`${folder}/ca.pem`, `${own}/ca.pem`);
      await Deno.copyFile(`${folder}/client.pem`, `${own}/cert.pem`);
      await Deno.copyFile(`${folder}/client.key`, `${own}/key.pem`);
      await Deno.writeTextFile(`${folder}/worker.yaml`, "templates: [image]\n");
      const begin = (environment: Record<string, string>, ...args: string[]) =>
        fleet.begin("worker:docker", [
          ...["--data-dir", `${folder}/docker`, "--policy", `${folder}/worker.yaml`, ...args],
        ], { DOCKER_HOST: `tcp://127.0.0.1:${port}`, ...environment });

      const plain = await begin({}, "--redis-wait", "0s").ended;
      assertEquals(plain.code, 1);
      assertStringIncludes(plain.stderr, "It speaks TLS: set DOCKER_CERT_PATH to the folder");
      const none = await begin({ DOCKER_CERT_PATH: `${folder}/none` }).ended;
      assertEquals(none.code, 2);
      assertStringIncludes(none.stderr, "The folder has to hold ca.pem, cert.pem and key.pem.");

      const api = await fleet.serve();
      const worker = begin({ DOCKER_CERT_PATH: own });
      await worker.hears(/^ {2}Found +\d+/m);
      const { json: { id } } = await api.call(`POST ${INSTANCES}`, {
        name: "far",
        platform: "Docker",
        template: "image",
        serverConfiguration: shellImage("exec sleep 1000"),
      });
      const { status, json } = await api.call(`POST ${INSTANCES}/${id}/start`);
      assertEquals([status, json.runtimeInfo?.status], [200, "Running"]);
      assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
    }),
);

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
