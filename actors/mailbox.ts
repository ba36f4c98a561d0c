/** Messages to one instance, one at a time, in order, and never more than fit: the rest hear "busy" at once. */

/** A bounded queue of asynchronous work; each message ends before the next begins. */
export class Mailbox {
  private queue: (() => Promise<void>)[] = [];
  private working = false;

  /** @param capacity how many messages may wait behind the one in work */
  constructor(private readonly capacity: number, private readonly onIdle: () => void) {}

  /**
   * Runs `work` after all that came before; null when the mailbox is full.
   * `urgent` work (what the system owes, not what a user asks) is never refused.
   */
  post<T>(work: () => Promise<T>, urgent = false): Promise<T> | null {
    if (!urgent && this.queue.length >= this.capacity) return null;
    return new Promise<T>((resolve, reject) => {
      this.queue.push(() => work().then(resolve, reject));
      if (!this.working) void this.drain();
    });
  }

  private async drain(): Promise<void> {
    this.working = true;
    for (let next = this.queue.shift(); next; next = this.queue.shift()) await next();
    this.working = false;
    this.onIdle();
  }
}
