/** A real `dockerd` for tests, started by hand with folders of its own, and an image made from `busybox`. */
import { testWith } from "./tools.ts";

/** Of the busybox image; any tag of it can be made. */
export const BUSYBOX = "draas-test/busybox:1";

const READY_WITHIN_MS = 30_000;

/** A daemon that runs. */
export interface DockerDaemon {
  /** As `DOCKER_HOST` has it. */
  host: string;
  /** Docker's own client, against this daemon; its standard output. */
  docker(...args: string[]): Promise<string>;
  /** SIGKILL and begun anew on the same folders, as after a crash; containers live on where the daemon lets them. */
  restart(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

let shared: RealDaemon | null = null;

/** Registers a test with a daemon that the tests of a file share; `stopDockerDaemon` is to end it. */
export function testWithDocker(name: string, test: (daemon: DockerDaemon) => Promise<void>): void {
  testWith(["dockerd", "docker", "busybox", "tar"], name, async () => {
    await test(await startDockerDaemon());
  });
}

/** The one daemon of this process. `args` count for the call that starts it. */
export async function startDockerDaemon(args: readonly string[] = []): Promise<DockerDaemon> {
  return shared ??= await RealDaemon.start(args);
}

/** For `Deno.test.afterAll`. */
export async function stopDockerDaemon(): Promise<void> {
  await shared?.stop();
  shared = null;
}

class RealDaemon implements DockerDaemon {
  readonly host: string;
  readonly #network = `10.213.${Math.floor(Math.random() * 255)}.1/24`;
  #child: Deno.ChildProcess | null = null;

  private constructor(private readonly folder: string, private readonly more: readonly string[]) {
    this.host = `unix://${folder}/docker.sock`;
  }

  static async start(args: readonly string[]): Promise<RealDaemon> {
    const daemon = new RealDaemon(await Deno.makeTempDir({ prefix: "draas-dockerd-" }), args);
    await daemon.#begin();
    await daemon.#makeImage();
    return daemon;
  }

  async docker(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await new Deno.Command("docker", {
      args: ["-H", this.host, ...args],
    }).output();
    const text = new TextDecoder();
    if (code !== 0) throw new Error(`docker ${args.join(" ")}: ${text.decode(stderr)}`);
    return text.decode(stdout).trim();
  }

  async restart(signal: "SIGTERM" | "SIGKILL"): Promise<void> {
    await this.#end(signal);
    // What was killed may stay as a zombie where nobody reaps it, and would be taken for alive.
    for (const pid of ["pid", "exec/containerd/containerd.pid"]) {
      await Deno.remove(`${this.folder}/${pid}`).catch(() => {});
    }
    await this.#begin();
  }

  async stop(): Promise<void> {
    const left = (await this.docker("ps", "-aq")).split("\n").filter((id) => id !== "");
    if (left.length > 0) await this.docker("rm", "-f", ...left);
    await this.#end("SIGTERM");
    const mounts = (await Deno.readTextFile("/proc/mounts")).split("\n")
      .map((line) => line.split(" ")[1] ?? "").filter((path) => path.startsWith(this.folder));
    // The daemon leaves some for the containers that it would find again.
    for (const path of mounts.reverse()) {
      await new Deno.Command("umount", { args: ["-l", path] }).output();
    }
    await Deno.remove(this.folder, { recursive: true });
  }

  async #begin(): Promise<void> {
    const { folder } = this;
    this.#child = new Deno.Command("dockerd", {
      args: [
        "--data-root",
        `${folder}/data`,
        "--exec-root",
        `${folder}/exec`,
        "--pidfile",
        `${folder}/pid`,
        "--live-restore",
        // Of what a daemon left behind that was killed, no container has an address of this one's.
        "--bip",
        this.#network,
        "-H",
        this.host,
        ...this.more,
      ],
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    const end = performance.now() + READY_WITHIN_MS;
    while (!await this.docker("version").then(() => true, () => false)) {
      if (performance.now() > end) throw new Error(`dockerd does not answer at ${this.host}`);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #end(signal: Deno.Signal): Promise<void> {
    this.#child?.kill(signal);
    await this.#child?.status;
    this.#child = null;
  }

  /** A file system with busybox and its names, and nothing else: no registry is needed. */
  async #makeImage(): Promise<void> {
    const root = `${this.folder}/root`;
    for (const name of ["bin", "tmp", "etc"]) {
      await Deno.mkdir(`${root}/${name}`, { recursive: true });
    }
    await Deno.writeTextFile(
      `${root}/etc/passwd`,
      "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\n",
    );
    const { stdout } = await new Deno.Command("busybox", { args: ["--list"] }).output();
    await Deno.copyFile(await pathOf("busybox"), `${root}/bin/busybox`);
    for (const name of new TextDecoder().decode(stdout).trim().split("\n")) {
      if (name !== "busybox") await Deno.symlink("busybox", `${root}/bin/${name}`);
    }
    const tar = `${this.folder}/root.tar`;
    await new Deno.Command("tar", { args: ["-C", root, "-cf", tar, "."] }).output();
    await this.docker("import", tar, BUSYBOX);
  }
}

async function pathOf(program: string): Promise<string> {
  const { stdout } = await new Deno.Command("which", { args: [program] }).output();
  return new TextDecoder().decode(stdout).trim();
}
