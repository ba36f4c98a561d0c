/** A socket in front of a Docker daemon's, which lets a test act before or after one request of a client. */

/** Which request, and when: `before` it comes to the daemon, or `after` the daemon has done it and before its answer comes. */
export interface Moment {
  when: "before" | "after";
  method: string;
  path: RegExp;
}

/** The socket of a proxy; `hit` resolves once the moment has come, and from then on nothing passes until it is mended. */
export interface SpiedSocket {
  path: string;
  hit: Promise<void>;
  mend(): void;
  close(): Promise<void>;
}

const REQUEST_LINE = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/;

/** Listens at `path`. `act` is called at the moment, while the client waits. */
export function spySocket(
  path: string,
  daemonPath: string,
  moment: Moment,
  act: () => Promise<unknown>,
): SpiedSocket {
  const { promise: hit, resolve } = Promise.withResolvers<void>();
  const listener = Deno.listen({ transport: "unix", path });
  const open = new Set<Deno.Conn>();
  let isHit = false;
  let isShut = false;
  const strike = async () => {
    isHit = true;
    isShut = true;
    await act();
    resolve();
  };
  const serve = async (client: Deno.Conn) => {
    const daemon = await Deno.connect({ transport: "unix", path: daemonPath });
    for (const each of [client, daemon]) open.add(each);
    let isAwaited = false;
    const up = pump(client, daemon, async (bytes) => {
      const [, method, target = ""] = REQUEST_LINE.exec(new TextDecoder().decode(bytes)) ?? [];
      const isIt = method === moment.method && moment.path.test(target);
      if (!isIt || isHit) return !isShut;
      if (moment.when === "after") return isAwaited = true;
      await strike();
      return false;
    });
    const down = pump(daemon, client, async () => {
      if (isAwaited && !isHit) await strike();
      return !isShut;
    });
    await Promise.allSettled([up, down]);
    for (const each of [client, daemon]) end(each);
  };
  const accepting = (async () => {
    for await (const client of listener) void serve(client).catch(() => end(client));
  })();
  return {
    path,
    hit,
    mend: () => void (isShut = false),
    async close() {
      listener.close();
      for (const each of open) end(each);
      await accepting;
    },
  };
}

/** Passes bytes on until `mayPass` says no, or one side ends. */
async function pump(
  from: Deno.Conn,
  to: Deno.Conn,
  mayPass: (bytes: Uint8Array) => Promise<boolean>,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  for (;;) {
    const count = await from.read(buffer).catch(() => null);
    if (count === null) return end(to);
    const bytes = buffer.slice(0, count);
    if (!await mayPass(bytes)) return [from, to].forEach(end);
    for (let sent = 0; sent < count;) sent += await to.write(bytes.subarray(sent));
  }
}

function end(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed.
  }
}
