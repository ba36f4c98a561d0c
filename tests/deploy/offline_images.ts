/** Images that the image of DRaaS is built from where no registry is reached: deno, glibc and the libraries of this host. */
import { BUSYBOX, type DockerDaemon } from "../support/docker_daemon.ts";

/** Busybox and glibc. */
export const BASE = "draas-test/base:1";
/** The same with deno, and a DENO_DIR with what `deno.lock` names. */
export const DENO = "draas-test/deno:1";

/** What the build takes away from libraries; left out here for the sake of time. */
const UNUSED = ["*.map", "*.d.ts", "*.d.mts", "*.d.cts", "*.md"].map((one) => `--exclude=${one}`);
const ROOT = new URL("../../", import.meta.url).pathname;

/** Makes both. */
export async function makeOfflineImages(daemon: DockerDaemon): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "draas-images-" });
  try {
    await makeImage(daemon, folder, {
      tag: BASE,
      from: BUSYBOX,
      files: ["-C", "/", ...await librariesOf(Deno.execPath())],
    });
    const { denoDir, packages } = await lockedPackages();
    await makeImage(daemon, folder, {
      tag: DENO,
      from: BASE,
      files: [
        "--transform=s,^[^/]*/\\(.*\\),deno-dir/npm/registry.npmjs.org/\\1,",
        "--transform=s,^deno$,usr/bin/deno,",
        ...["-C", Deno.execPath().replace(/\/[^/]*$/, ""), "deno"],
        ...["-C", `${denoDir}/npm`, ...packages],
      ],
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** The image of DRaaS, as `deploy/Dockerfile` has it, built without a network. */
export async function buildDraas(daemon: DockerDaemon, tag: string): Promise<void> {
  const images = ["--build-arg", `DENO_IMAGE=${DENO}`, "--build-arg", `BASE_IMAGE=${BASE}`];
  const file = ["-f", `${ROOT}deploy/Dockerfile`];
  await daemon.docker("build", "--quiet", "--network=none", ...images, ...file, "-t", tag, ROOT);
}

interface MadeImage {
  tag: string;
  from: string;
  /** As `tar` takes them. */
  files: readonly string[];
}

async function makeImage(
  daemon: DockerDaemon,
  folder: string,
  { tag, from, files }: MadeImage,
): Promise<void> {
  await said("tar", ...UNUSED, "-chf", `${folder}/files.tar`, ...files);
  await Deno.writeTextFile(`${folder}/Dockerfile`, `FROM ${from}\nADD files.tar /\n`);
  await daemon.docker("build", "--quiet", "-t", tag, folder);
}

/** The shared libraries of a program, without the first `/`. */
export async function librariesOf(program: string): Promise<string[]> {
  return [...(await said("ldd", program)).matchAll(/\/(\S+) \(0x/g)].map((found) => found[1]!);
}

/** What of the lock this host has, below `npm` of its DENO_DIR. */
async function lockedPackages(): Promise<{ denoDir: string; packages: string[] }> {
  const { denoDir } = JSON.parse(await said(Deno.execPath(), "info", "--json"));
  const { npm } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const [registry] = [...Deno.readDirSync(`${denoDir}/npm`)].map(({ name }) => name);
  const packages = Object.keys(npm).flatMap((key) => {
    const [, name, version] = /^(@?[^@]+)@([^_]+)/.exec(key)!;
    return [`${registry}/${name}/registry.json`, `${registry}/${name}/${version}`];
  });
  const there = (path: string) => {
    try {
      return Deno.statSync(`${denoDir}/npm/${path}`) !== null;
    } catch (error) {
      // Of packages for other systems there is none here, nor in the image.
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  };
  return { denoDir, packages: [...new Set(packages)].filter(there) };
}

export async function said(program: string, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(program, { args }).output();
  const text = new TextDecoder();
  if (code !== 0) throw new Error(`${program}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}
