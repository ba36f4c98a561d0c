/** Requests over HTTP/1.1 with as little of a client as there can be, so that the server's part is what is measured. */

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const HEAD_END = encoder.encode("\r\n\r\n");
const BUFFER_BYTES = 65_536;

/** One connection that is kept; one request at a time. */
export class HttpConnection {
  private readonly buffer = new Uint8Array(BUFFER_BYTES);

  private constructor(private readonly connection: Deno.TcpConn, private readonly host: string) {}

  static async open(port: number): Promise<HttpConnection> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay();
    return new HttpConnection(connection, `127.0.0.1:${port}`);
  }

  /** Sends a request without a body, and gives the body of its answer. @throws {Error} for another status than 200 */
  async ask(method: string, path: string): Promise<string> {
    const text = `${method} ${path} HTTP/1.1\r\nhost: ${this.host}\r\ncontent-length: 0\r\n\r\n`;
    await this.connection.write(encoder.encode(text));
    let have = 0;
    for (;;) {
      const read = await this.connection.read(this.buffer.subarray(have));
      if (read === null) throw new Error("the server has closed the connection");
      have += read;
      const answer = answerIn(this.buffer.subarray(0, have));
      if (answer === null) continue;
      if (answer.status !== 200) {
        throw new Error(`${method} ${path}: ${answer.status} ${answer.body}`);
      }
      return answer.body;
    }
  }

  close(): void {
    this.connection.close();
  }
}

/** Requests a second of `connections` that each ask one after the other. */
export async function rateOf(
  connections: readonly HttpConnection[],
  path: string,
  each: number,
): Promise<number> {
  const startedAt = performance.now();
  await Promise.all(connections.map(async (connection) => {
    for (let n = 0; n < each; n++) await connection.ask("GET", path);
  }));
  return connections.length * each * 1_000 / (performance.now() - startedAt);
}

/** The whole answer; null while some of it is still to come. */
function answerIn(bytes: Uint8Array): { status: number; body: string } | null {
  const end = indexOf(bytes, HEAD_END);
  if (end < 0) return null;
  const head = decoder.decode(bytes.subarray(0, end));
  const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? NaN);
  if (Number.isNaN(length)) throw new Error(`an answer without a length: ${head}`);
  const from = end + HEAD_END.length;
  if (bytes.length < from + length) return null;
  return {
    status: Number(head.slice(9, 12)),
    body: decoder.decode(bytes.subarray(from, from + length)),
  };
}

function indexOf(bytes: Uint8Array, wanted: Uint8Array): number {
  for (let at = bytes.indexOf(wanted[0]!); at >= 0; at = bytes.indexOf(wanted[0]!, at + 1)) {
    if (wanted.every((byte, index) => bytes[at + index] === byte)) return at;
  }
  return -1;
}
