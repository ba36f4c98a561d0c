/** A registry for one image, in this process: what `docker pull` asks for, and when it gets it. Registry API, version 2. */
import type { DockerDaemon } from "../support/docker_daemon.ts";

const MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG = "application/vnd.docker.container.image.v1+json";
const LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip";

/** One that serves. */
export interface Registry {
  /** The image, as a daemon of this host names it. */
  image: string;
  close(): Promise<void>;
}

/**
 * Serves an image like one that the daemon has, with one file more. Each layer waits for `mayServe`, and is cut off where that
 * gives `broken`.
 * @param login `user:password` of who may have it; null: everybody
 */
export async function serveRegistry(
  daemon: DockerDaemon,
  image: string,
  mayServe: () => Promise<unknown> = () => Promise.resolve(),
  login: string | null = null,
): Promise<Registry> {
  const folder = await Deno.makeTempDir({ prefix: "draas-registry-" });
  const name = `draas-test/copy:${crypto.randomUUID()}`;
  const root = `${folder}/root.tar`;
  const container = await daemon.docker("create", image, "true");
  await daemon.docker("export", "-o", root, container);
  await daemon.docker("rm", container);
  // A layer that the daemon has already is not asked for.
  await Deno.writeTextFile(`${folder}/mark`, name);
  await new Deno.Command("tar", { args: ["-C", folder, "-rf", root, "mark"] }).output();
  await daemon.docker("import", root, name);
  await daemon.docker("save", "-o", `${folder}/image.tar`, name);
  await daemon.docker("rmi", name);
  await new Deno.Command("tar", { args: ["-C", folder, "-xf", `${folder}/image.tar`] }).output();
  const [{ Config, Layers }] = JSON.parse(await Deno.readTextFile(`${folder}/manifest.json`));
  const config = await Deno.readFile(`${folder}/${Config}`);
  const layers = await Promise.all(
    Layers.map(async (path: string) => gzipped(await Deno.readFile(`${folder}/${path}`))),
  );
  await Deno.remove(folder, { recursive: true });
  const blobs = new Map<string, Uint8Array<ArrayBuffer>>();
  const add = async (mediaType: string, bytes: Uint8Array<ArrayBuffer>) => {
    const digest = await digestOf(bytes);
    blobs.set(digest, bytes);
    return { mediaType, size: bytes.length, digest };
  };
  const manifest = new TextEncoder().encode(JSON.stringify({
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: await add(CONFIG, config),
    layers: await Promise.all(layers.map((layer) => add(LAYER, layer))),
  }));
  const manifestDigest = await digestOf(manifest);
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (login !== null && request.headers.get("authorization") !== `Basic ${btoa(login)}`) {
      const headers = { "www-authenticate": 'Basic realm="test"' };
      return new Response("", { status: 401, headers });
    }
    if (pathname === "/v2/") return new Response("{}");
    if (/^\/v2\/app\/manifests\//.test(pathname)) {
      const headers = { "content-type": MANIFEST, "docker-content-digest": manifestDigest };
      return new Response(manifest, { headers });
    }
    const blob = blobs.get(pathname.slice("/v2/app/blobs/".length));
    if (!blob) return new Response("", { status: 404 });
    const isBroken = blob !== config && await mayServe() === "broken";
    return new Response(isBroken ? blob.slice(0, -1) : blob);
  });
  return {
    image: `127.0.0.1:${server.addr.port}/app:1`,
    close: async () => await server.shutdown(),
  };
}

async function gzipped(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  const packed = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(packed).arrayBuffer());
}

async function digestOf(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256:${hash.toHex()}`;
}
