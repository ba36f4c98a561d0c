/** A way to a server on this host that can be slow, held up, or cut just before an answer arrives: for tests of lost answers. */

/** Passes bytes on between whoever connects to `port` and a server. */
export class TcpProxy {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  #accepting: Promise<void>;
  #marker: string | null = null;
  #answerAfterMs: number | null = null;
  #gate: { promise: Promise<void>; resolve: () => void } | null = null;
  /** Every piece of bytes is held back this long, each way. */
  delayMs = 0;
  /** How many answers were withheld for `cutAnswerTo`. */
  cuts = 0;

  constructor(targetPort: number) {
    this.#target = targetPort;
    this.#accepting = this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** The next request that contains `marker` reaches the server; its answer does not come back: the connection ends. */
  cutAnswerTo(marker: string): void {
    this.#marker = marker;
  }

  /** The next request that contains `marker` reaches the server; its answer comes `ms` later than it would. */
  delayAnswerTo(marker: string, ms: number): void {
    this.#marker = marker;
    this.#answerAfterMs = ms;
  }

  /** From now on nothing passes, and nobody is told; what was sent is passed on after `release`. */
  hold(): void {
    this.#gate ??= Promise.withResolvers<void>();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  /** Every connection ends, as when a cable is pulled for a moment; new ones pass. */
  cut(): void {
    for (const pair of this.#pairs) pair.end();
  }

  async close(): Promise<void> {
    this.release();
    this.#listener.close();
    for (const pair of this.#pairs) pair.end();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    const pumps: Promise<unknown>[] = [];
    try {
      for await (const near of this.#listener) pumps.push(this.#serve(near));
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
    await Promise.all(pumps);
  }

  async #serve(near: Deno.TcpConn): Promise<void> {
    let far: Deno.TcpConn;
    try {
      far = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    } catch {
      // The server is down: whoever connected sees its connection end.
      near.close();
      return;
    }
    const pair = new Pair(near, far);
    this.#pairs.add(pair);
    await Promise.all([
      pair.pump(near, far, (bytes) => this.#towardsServer(pair, bytes)),
      pair.pump(far, near, () => this.#towardsClient(pair)),
    ]);
    this.#pairs.delete(pair);
  }

  async #towardsServer(pair: Pair, bytes: Uint8Array): Promise<boolean> {
    await this.#wait();
    if (this.#marker !== null && new TextDecoder().decode(bytes).includes(this.#marker)) {
      this.#marker = null;
      if (this.#answerAfterMs === null) pair.isDoomed = true;
      else pair.lateMs = this.#answerAfterMs;
      this.#answerAfterMs = null;
    }
    return true;
  }

  async #towardsClient(pair: Pair): Promise<boolean> {
    await this.#wait();
    const { lateMs } = pair;
    pair.lateMs = 0;
    if (lateMs > 0) await new Promise((resolve) => setTimeout(resolve, lateMs));
    if (pair.isDoomed) this.cuts++;
    return !pair.isDoomed;
  }

  async #wait(): Promise<void> {
    const { delayMs } = this;
    if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs));
    await this.#gate?.promise;
  }
}

/** One connection and what it is connected to. */
class Pair {
  isDoomed = false;
  lateMs = 0;
  #hasEnded = false;

  constructor(private readonly near: Deno.TcpConn, private readonly far: Deno.TcpConn) {}

  /** Passes bytes on for as long as `mayPass` says so; then both ends are closed. */
  async pump(
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    mayPass: (bytes: Uint8Array) => Promise<boolean>,
  ): Promise<void> {
    const buffer = new Uint8Array(64 * 1024);
    try {
      for (;;) {
        const count = await from.read(buffer);
        if (count === null || !await mayPass(buffer.subarray(0, count))) break;
        for (let sent = 0; sent < count;) sent += await to.write(buffer.subarray(sent, count));
      }
    } catch {
      // One of the two ends is gone, which is what a proxy is for.
    }
    this.end();
  }

  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.near.close();
    this.far.close();
  }
}
