/** A real `sshd` on loopback for tests, with keys of its own, and a `ssh` that knows them: OpenSSH takes no other home than the user's. */

const READY_WITHIN_MS = 10_000;

/** One that runs. */
export interface SshHost {
  port: number;
  /** A folder with the `ssh` that is to be found first on the `PATH`. */
  bin: string;
  /** Has its key taken, or refused, from now on. */
  authorize(isAllowed: boolean): Promise<void>;
  /** Has the host known to its client, or unknown. */
  know(isKnown: boolean): Promise<void>;
  /** How many are logged in now, and were ever. */
  logins(): Promise<{ present: number; ever: number }>;
  stop(): Promise<void>;
}

/**
 * It drops whoever comes while ten have not logged in yet.
 * @param environment of what runs there
 * @param options of its client's key, as authorized_keys has them, with a space behind
 */
export async function startSshHost(
  environment: Readonly<Record<string, string>>,
  options = "",
): Promise<SshHost> {
  const folder = await Deno.makeTempDir({ prefix: "draas-sshd-" });
  const bin = `${folder}/bin`;
  await Deno.mkdir(bin);
  for (const name of ["host_key", "client_key"]) {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", `${folder}/${name}`]);
  }
  const port = freePort();
  const text = (name: string) => Deno.readTextFile(`${folder}/${name}`);
  const authorize = async (isAllowed: boolean) =>
    await Deno.writeTextFile(
      `${folder}/authorized`,
      isAllowed ? `${options}${await text("client_key.pub")}` : "",
    );
  const know = async (isKnown: boolean) => {
    const line = `[127.0.0.1]:${port} ${await text("host_key.pub")}`;
    await Deno.writeTextFile(`${folder}/known`, isKnown ? line : "");
  };
  await authorize(true);
  await know(true);
  await writeConfigurations(folder, port, environment);
  // Debian's makes it when its service begins.
  if (Deno.uid() === 0) await Deno.mkdir("/run/sshd", { recursive: true });
  const child = new Deno.Command(await pathOf("sshd"), {
    args: ["-D", "-f", `${folder}/sshd_config`, "-E", `${folder}/log`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await untilListening(port);
  return {
    port,
    bin,
    authorize,
    know,
    async logins() {
      const log = await text("log");
      const ever = log.match(/Accepted publickey/g)?.length ?? 0;
      const ended = log.match(/(Disconnected from|Connection closed by) user/g)?.length ?? 0;
      return { present: ever - ended, ever };
    },
    async stop() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

async function writeConfigurations(
  folder: string,
  port: number,
  environment: Readonly<Record<string, string>>,
): Promise<void> {
  await Deno.writeTextFile(
    `${folder}/client_config`,
    [
      ...[`IdentityFile ${folder}/client_key`, "IdentitiesOnly yes"],
      ...[`UserKnownHostsFile ${folder}/known`, "GlobalKnownHostsFile /dev/null"],
    ].join("\n"),
  );
  const ssh = await pathOf("ssh");
  await Deno.writeTextFile(
    `${folder}/bin/ssh`,
    `#!/bin/sh\nexec ${ssh} -F ${folder}/client_config "$@"\n`,
    { mode: 0o755 },
  );
  const set = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  await Deno.writeTextFile(
    `${folder}/sshd_config`,
    [
      ...[`Port ${port}`, "ListenAddress 127.0.0.1", `HostKey ${folder}/host_key`],
      ...[`AuthorizedKeysFile ${folder}/authorized`, `PidFile ${folder}/pid`, "StrictModes no"],
      ...["UsePAM no", "PasswordAuthentication no", "KbdInteractiveAuthentication no"],
      ...[
        "PermitRootLogin prohibit-password",
        "LogLevel INFO",
        "MaxStartups 10:100:10",
        ...(set.length > 0 ? [`SetEnv ${set.join(" ")}`] : []),
      ],
    ].join("\n"),
  );
}

async function untilListening(port: number): Promise<void> {
  const end = performance.now() + READY_WITHIN_MS;
  while (true) {
    try {
      return (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    } catch (error) {
      if (performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** sshd has to be called by its whole path. */
async function pathOf(program: string): Promise<string> {
  return (await run("which", [program])).trim();
}

async function run(program: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, { args, stdin: "null" })
    .output();
  const text = new TextDecoder();
  if (!success) throw new Error(`${program} ${args.join(" ")}: ${text.decode(stderr)}`);
  return text.decode(stdout);
}

function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}
