/** The way to a daemon over SSH: a socket of our own, and for each connection to it one `ssh` that runs Docker's client there. */
import { type Clock, sleep } from "../../events/clock.ts";
import { OperationalError, reasonOf } from "../../events/errors.ts";
import type { SshDestination } from "./docker_address.ts";
import type { DockerWay, WayFailure } from "./docker_way.ts";
import { endTool, lastLineOf, printedText, toolProblem } from "./host_tool.ts";

/** What the way is made from. */
export interface SshWayOptions {
  to: SshDestination;
  /** Of the socket; made for its owner alone. */
  folder: string;
  /** Of `ssh`: it finds its agent there. */
  environment: Readonly<Record<string, string>>;
  clock: Clock;
}

/** More at once are refused; a worker needs one for the events, and one for each request and each output that is followed. */
const CONNECTIONS_MAX = 512;
/** An sshd drops some of those that have not logged in yet, by default from ten on (`MaxStartups`). */
const LOGINS_MAX = 8;
/** A login that takes longer makes room for the next one. */
const LOGIN_MS = 2_000;
const WORDS_CHARACTERS_MAX = 4_096;
const CHUNK_BYTES = 65_536;

/**
 * Opens the way; nothing is asked yet.
 * @throws {OperationalError} `docker_way_unusable` where there can be no socket in `folder`
 */
export async function openSshWay(options: SshWayOptions): Promise<DockerWay> {
  const { folder } = options;
  const socketPath = `${folder}/docker.sock`;
  try {
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    await Deno.chmod(folder, 0o700);
    // Of a worker that was killed. The data folder is this one's alone.
    await Deno.remove(socketPath).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    return new SshWay(Deno.listen({ transport: "unix", path: socketPath }), options);
  } catch (error) {
    throw new OperationalError(
      "docker_way_unusable",
      `there can be no socket at ${socketPath} (${reasonOf(error)})`,
      false,
      "The data folder has to be on a file system of this host, with a path of less than 80 letters.",
      { cause: error },
    );
  }
}

/** What `ssh` is given. It asks nobody for a password: its keys, agent and known hosts are those of the worker's user. */
export function sshArguments({ user, host, port, socketPath }: SshDestination): string[] {
  return [
    ...["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"],
    ...(user === null ? [] : ["-l", user]),
    ...(port === null ? [] : ["-p", String(port)]),
    ...["--", host, "docker"],
    ...(socketPath === null ? [] : ["--host", `unix://${socketPath}`]),
    ...["system", "dial-stdio"],
  ];
}

/** The last thing that `ssh`, or what it ran there, has said, and what to do about it. */
export function sshFailure(printed: string, code: number, to: SshDestination): WayFailure {
  const words = lastLineOf(printed) || `it ended with ${code}`;
  const target = to.user === null ? to.host : `${to.user}@${to.host}`;
  const command = `ssh ${to.port === null ? "" : `-p ${to.port} `}${target} docker version`;
  return { words: `ssh: ${words.replace(/^ssh: /, "")}`, hint: hintFor(words, command) };
}

function hintFor(words: string, command: string): string {
  if (/Host key verification failed/.test(words)) {
    return `As the worker's user, run \`${command}\` once, compare the key that it shows with the host's, and take it.`;
  }
  if (/Permission denied \(/.test(words)) {
    return `Give the worker's user a key that needs no passphrase, or an agent (SSH_AUTH_SOCK), and add it to that user's authorized_keys there: \`${command}\` has to ask nothing.`;
  }
  if (/docker.*not found/.test(words)) {
    return "Install Docker's client on that host, on the PATH of its sshd.";
  }
  return `As the worker's user, \`${command}\` has to ask nothing and to show the daemon.`;
}

class SshWay implements DockerWay {
  readonly socketPath: string;
  readonly #children = new Set<Deno.ChildProcess>();
  readonly #served: Promise<void>;
  readonly #logins: Logins;
  #failure: WayFailure | null = null;
  #connections = 0;
  #isClosed = false;

  constructor(
    private readonly listener: Deno.UnixListener,
    private readonly options: SshWayOptions,
  ) {
    this.socketPath = (listener.addr as Deno.UnixAddr).path;
    this.#logins = new Logins(options.clock);
    this.#served = this.#serve();
  }

  failure(): WayFailure | null {
    return this.#failure;
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.listener.close();
    for (const child of this.#children) endTool(child);
    await this.#served;
    await Deno.remove(this.socketPath).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }

  async #serve(): Promise<void> {
    const carried = new Set<Promise<void>>();
    for await (const connection of this.listener) {
      const carrying = this.#admit(connection).finally(() => carried.delete(carrying));
      carried.add(carrying);
    }
    await Promise.all(carried);
  }

  async #admit(connection: Deno.Conn): Promise<void> {
    if (this.#connections >= CONNECTIONS_MAX) {
      this.#failure = {
        words: `${CONNECTIONS_MAX} connections over ssh are open`,
        hint: "Give the worker fewer instances, or a daemon that is reached over TLS.",
      };
      connection.close();
      return;
    }
    this.#connections++;
    const loggedIn = await this.#logins.begin();
    try {
      if (!this.#isClosed) await this.#carry(connection, loggedIn);
    } finally {
      loggedIn();
      this.#connections--;
      // Last: its client asks for the failure as soon as it is closed.
      connection.close();
    }
  }

  /** Brings bytes there and back until one side has ended. */
  async #carry(connection: Deno.Conn, loggedIn: () => void): Promise<void> {
    const child = this.#spawn();
    if (child === null) return;
    this.#children.add(child);
    const said = printedText(child.stderr, WORDS_CHARACTERS_MAX);
    let isLeft = false;
    const leave = () => {
      isLeft = true;
      endTool(child);
    };
    const there = bringThere(connection, child.stdin).then((end) => end === "left" && leave());
    for await (const bytes of child.stdout) {
      loggedIn();
      this.#failure = null;
      if (!isLeft && !await isWritten(connection, bytes)) leave();
    }
    const [{ code }, printed] = await Promise.all([child.status, said]);
    this.#children.delete(child);
    // One that we have ended has nothing to say.
    if (code !== 0 && !isLeft && !this.#isClosed) {
      this.#failure = sshFailure(printed, code, this.options.to);
    }
    // Its client may be writing still; the connection's end is the end of that.
    void there;
  }

  #spawn(): Deno.ChildProcess | null {
    try {
      return new Deno.Command("ssh", {
        args: sshArguments(this.options.to),
        clearEnv: true,
        env: { ...this.options.environment },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
    } catch (error) {
      const words = toolProblem("ssh", error);
      this.#failure = { words, hint: "Install OpenSSH's client, then begin the worker anew." };
      return null;
    }
  }
}

/** So many log in at a time; the others wait their turn. */
class Logins {
  readonly #waiting: (() => void)[] = [];
  #present = 0;

  constructor(private readonly clock: Clock) {}

  /** Resolves when it is this one's turn; what it gives is to be called when the login is over, and does no harm twice. */
  async begin(): Promise<() => void> {
    if (this.#present < LOGINS_MAX) this.#present++;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const over = new AbortController();
    void sleep(this.clock, LOGIN_MS, over.signal).then(() => {
      const next = this.#waiting.shift();
      // The place of one that has logged in is the next one's.
      if (next) next();
      else this.#present--;
    });
    return () => over.abort();
  }
}

/** `left` where the client has ended; `refused` where ssh takes no more, which says why by itself. */
async function bringThere(
  connection: Deno.Conn,
  stdin: WritableStream<Uint8Array>,
): Promise<"left" | "refused"> {
  const writer = stdin.getWriter();
  const chunk = new Uint8Array(CHUNK_BYTES);
  while (true) {
    const count = await connection.read(chunk).catch(() => null);
    if (count === null) {
      await writer.close().catch(() => {});
      return "left";
    }
    try {
      await writer.write(chunk.slice(0, count));
    } catch {
      return "refused";
    }
  }
}

/** False where the client has gone. */
async function isWritten(connection: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  try {
    for (let written = 0; written < bytes.length;) {
      written += await connection.write(bytes.subarray(written));
    }
    return true;
  } catch {
    return false;
  }
}
