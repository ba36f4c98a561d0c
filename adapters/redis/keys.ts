/** Where everything of a namespace is in Redis: all names share one hash tag, so one function may touch them all. Design §5. */

/** The keys that every function is given first, in the order of `functions/shared.lua`. */
const BASE = [
  "log",
  "versions",
  "runs",
  "placed",
  "commands",
  "payloads",
  "workers",
  "beats",
  "meta",
  "leader",
  "origins",
] as const;

/** The names of one namespace. */
export class RedisKeys {
  readonly base: readonly string[];
  readonly log: string;
  readonly runs: string;
  readonly placed: string;
  readonly commands: string;
  readonly payloads: string;
  readonly versions: string;
  readonly workers: string;
  readonly beats: string;
  readonly metrics: string;
  readonly meta: string;
  readonly origins: string;
  readonly nodes: string;
  readonly snapshot: string;

  constructor(namespace: string) {
    const tag = `{draas:${namespace}}`;
    this.base = BASE.map((name) => `${tag}:${name}`);
    this.log = `${tag}:log`;
    this.runs = `${tag}:runs`;
    this.placed = `${tag}:placed`;
    this.commands = `${tag}:commands`;
    this.payloads = `${tag}:payloads`;
    this.versions = `${tag}:versions`;
    this.workers = `${tag}:workers`;
    this.beats = `${tag}:beats`;
    this.metrics = `${tag}:metrics`;
    this.meta = `${tag}:meta`;
    this.origins = `${tag}:origins`;
    this.nodes = `${tag}:nodes`;
    this.snapshot = `${tag}:snapshot`;
    this.tag = tag;
  }

  private readonly tag: string;

  /** Where the commands of a platform wait; with a site: those that must be done there. Stops and deletes are `urgent`. */
  commandStream(platform: string, site: string | null, isUrgent: boolean): string {
    const stream = `${this.tag}:instance.commands.${platform}${site === null ? "" : `.${site}`}`;
    return isUrgent ? `${stream}:urgent` : stream;
  }

  /** Everything that a worker is offered commands from, in the order of `take`. */
  workerStreams(platform: string, site: string): string[] {
    return [
      this.commandStream(platform, null, true),
      this.commandStream(platform, site, true),
      this.commandStream(platform, site, false),
      this.commandStream(platform, null, false),
    ];
  }

  /** Wakes one worker: it is drained, resumed, superseded or given up. */
  control(workerId: string): string {
    return `${this.tag}:worker.${workerId}.control`;
  }

  queries(platform: string, site: string): string {
    return `${this.tag}:instance.commands.${platform}.${site}.queries`;
  }

  /** The reply channel `{channel}.response.{guid}` of one request to a platform. */
  replyChannel(platform: string, guid: string): string {
    return `${this.commandStream(platform, null, false)}.response.${guid}`;
  }

  /** All reply channels of one listener, whose guids begin with its name. */
  replyPattern(listener: string): string {
    return `${this.tag}:instance.commands.*.response.${listener}.*`;
  }

  idempotencyKey(key: string): string {
    return `${this.tag}:key:${key}`;
  }

  snapshotChunk(id: string, index: number): string {
    return `${this.snapshot}:${id}:${index}`;
  }
}
