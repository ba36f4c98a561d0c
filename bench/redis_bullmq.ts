/** BullMQ as it is meant to be asked and waited for: a job is added, and its end awaited by the queue's events. */
import type { Asker } from "./redis_askers.ts";

/** Named by `redis.json`, not by the program's imports, which does without it: read only when it is run. */
const BULLMQ: string = "bullmq";
const QUEUE = "bench";
const CONCURRENCY = 64;
const JOB = { data: "x".repeat(180) };

interface Part {
  waitUntilReady(): Promise<unknown>;
  setMaxListeners(count: number): void;
  close(): Promise<void>;
}

interface Job {
  waitUntilFinished(events: Part): Promise<unknown>;
}

/** What is used of the package. */
interface BullMq {
  Queue: new (name: string, options: object) => Part & {
    add(name: string, data: object, options: object): Promise<Job>;
  };
  QueueEvents: new (name: string, options: object) => Part;
  Worker: new (name: string, process: () => Promise<unknown>, options: object) => Part;
}

/** The asking side. */
export async function bullmqAsker(url: string): Promise<Asker> {
  const { Queue, QueueEvents }: BullMq = await import(BULLMQ);
  const connection = connectionOf(url);
  const queue = new Queue(QUEUE, { connection });
  const events = new QueueEvents(QUEUE, { connection });
  await events.waitUntilReady();
  // Each job that is waited for listens on both.
  queue.setMaxListeners(0);
  events.setMaxListeners(0);
  return {
    ask: async () => {
      // The newest are kept for a while: one that is gone before it is waited for counts as missing.
      const job = await queue.add("start", JOB, { removeOnComplete: { count: 1_000 } });
      await job.waitUntilFinished(events);
    },
    close: async () => {
      await events.close();
      await queue.close();
    },
  };
}

/** The working side. */
export async function bullmqWorker(url: string, ready: () => void): Promise<void> {
  const { Worker }: BullMq = await import(BULLMQ);
  const worker = new Worker(QUEUE, async () => "done", {
    connection: connectionOf(url),
    concurrency: CONCURRENCY,
  });
  await worker.waitUntilReady();
  ready();
}

function connectionOf(url: string) {
  const { hostname, port } = new URL(url);
  return { host: hostname, port: Number(port) };
}
