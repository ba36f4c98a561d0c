/** The socket of a Docker daemon whose answers a test writes; what it leaves out is asked of a real daemon, if there is one. */
import { type DockerAddress, parseDockerHost } from "../../workers/docker/docker_address.ts";

/** What a request is answered with; null: the real daemon's answer, or 404. */
export type Script = (request: Request) => Response | Promise<Response> | null;

/** No answer at all. */
export const SILENCE: Promise<Response> = new Promise(() => {});

/** @param daemon a real one's, as `DOCKER_HOST` has it */
export async function withScriptedSocket(
  script: Script,
  test: (address: DockerAddress) => Promise<void>,
  daemon: string | null = null,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-scripted-" });
  const path = `${folder}/docker.sock`;
  const client = daemon === null ? null : Deno.createHttpClient({
    proxy: { transport: "unix", path: daemon.slice("unix://".length) },
  });
  const end = new AbortController();
  const server = Deno.serve({ path, signal: end.signal, onListen() {} }, (request) => {
    const answer = script(request);
    if (answer !== null) return answer;
    return client === null
      ? Response.json({ message: "it is not in the script" }, { status: 404 })
      : fetch(request, { client });
  });
  try {
    await test(parseDockerHost(`unix://${path}`)!);
  } finally {
    end.abort();
    await server.finished;
    client?.close();
    await Deno.remove(folder, { recursive: true });
  }
}
