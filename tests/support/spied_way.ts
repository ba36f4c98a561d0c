/** A way to a server that lets a test act before or after one request of a client, and then passes nothing. */

/** Which request, and when: `before` it comes to the server, or `after` the server has done it and before its answer comes. */
export interface Moment {
  when: "before" | "after";
  /** Of the bytes of one write of the client. */
  isIt(text: string): boolean;
}

/** Where a way leads. */
export interface WayOptions {
  listener: Deno.Listener;
  connect(): Promise<Deno.Conn>;
  moment: Moment;
  /** Called at the moment, while the client waits. */
  act(): Promise<unknown>;
}

/** A way that is open; `hit` resolves once the moment has come, and from then on nothing passes until it is mended. */
export interface SpiedWay {
  hit: Promise<void>;
  mend(): void;
  close(): Promise<void>;
}

/** A moment of an HTTP request, by the beginning of its first line. */
export function httpMoment(when: Moment["when"], method: string, path: RegExp): Moment {
  return {
    when,
    isIt(text) {
      const [, asked, target = ""] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n/.exec(text) ?? [];
      return asked === method && path.test(target);
    },
  };
}

/** A way to the server at a socket of the host, by another socket at `path`. */
export function spyUnixSocket(
  path: string,
  serverPath: string,
  moment: Moment,
  act: WayOptions["act"],
): SpiedWay {
  return spyOn({
    listener: Deno.listen({ transport: "unix", path }),
    connect: () => Deno.connect({ transport: "unix", path: serverPath }),
    moment,
    act,
  });
}

export function spyOn({ listener, connect, moment, act }: WayOptions): SpiedWay {
  const { promise: hit, resolve } = Promise.withResolvers<void>();
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
    const server = await connect();
    for (const each of [client, server]) open.add(each);
    let isAwaited = false;
    const up = pump(client, server, async (bytes) => {
      if (isHit || !moment.isIt(new TextDecoder().decode(bytes))) return !isShut;
      if (moment.when === "after") return isAwaited = true;
      await strike();
      return false;
    });
    const down = pump(server, client, async () => {
      if (isAwaited && !isHit) await strike();
      return !isShut;
    });
    await Promise.allSettled([up, down]);
    for (const each of [client, server]) end(each);
  };
  const accepting = (async () => {
    for await (const client of listener) void serve(client).catch(() => end(client));
  })();
  return {
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
