/**
 * `kill -9` of a worker at a named moment of what it does, told as tests for every platform: never two servers, none
 * orphaned, the right end. More than one round by `DRAAS_TEST_ROUNDS=9 deno task kills`.
 */
import { assertEquals } from "@std/assert";
import type { ProgramLife } from "../e2e/support/program_life.ts";
import { type RedisFleet, withFleet } from "../e2e/support/redis_fleet.ts";
import { httpMoment, type Moment, type SpiedWay, spyOn } from "../support/spied_way.ts";

const INSTANCES = "/api/server/instances";
const ROUNDS = Number(Deno.env.get("DRAAS_TEST_ROUNDS") ?? 1);

/** What a worker does when it is killed. */
export interface KillMoment {
  during: "start" | "stop" | "restart";
  /** In words. */
  at: string;
  moment: Moment;
  /** Which of its ways is looked at. */
  way: "redis" | "runtime";
}

/** One fleet with the platform's runtime beside it. */
export interface KillWorld {
  /** A worker whose environment differs by this. */
  begin(environment: Readonly<Record<string, string>>): Promise<ProgramLife>;
  /** A spied way to its runtime, and what makes a worker take it; null where there is none. */
  spyRuntime:
    | ((
      spy: Pick<Parameters<typeof spyOn>[0], "moment" | "act">,
    ) => Promise<{ way: SpiedWay; environment: Readonly<Record<string, string>> }>)
    | null;
  /** What `POST …/instances` takes for a server that runs until it is stopped. */
  instance(name: string): object;
  /** What runs now: of each server what `nameOf` its runtime info says. */
  running(): Promise<string[]>;
  nameOf(runtimeInfo: Record<string, string>): string;
  /** What is there of the fleet at all; empty once its instances are deleted. */
  remains(): Promise<string[]>;
}

/** The moments at which every worker talks to the log: before and after it takes a command, and ends it. */
function logMoments(): KillMoment[] {
  const asks = (name: string) => (text: string) => text.includes(`_${name}\r\n`);
  const points: [at: string, Moment][] = [
    ["before it accepts", { when: "before", isIt: asks("accept") }],
    ["after it accepted", { when: "after", isIt: asks("accept") }],
    ["before it completes", { when: "before", isIt: asks("complete") }],
    ["after it completed", { when: "after", isIt: asks("complete") }],
  ];
  const of = (during: KillMoment["during"], from: number, to: number) =>
    points.slice(from, to).map(([at, moment]) => ({ during, at, moment, way: "redis" as const }));
  return [...of("start", 0, 4), ...of("stop", 1, 3), ...of("restart", 1, 3)];
}

/** A moment of one of the calls by which a worker changes what its runtime does. */
export function callMoment(
  during: KillMoment["during"],
  when: Moment["when"],
  call: { is: string; method: string; path: RegExp },
): KillMoment {
  const moment = httpMoment(when, call.method, call.path);
  return { during, at: `${when} ${call.is}`, moment, way: "runtime" };
}

/** Registers the tests of a platform by `register`, which says in what world each is run. */
export function workerKills(
  platform: string,
  own: readonly KillMoment[],
  register: (
    sentence: string,
    run: (open: (fleet: RedisFleet) => Promise<KillWorld>) => Promise<void>,
  ) => void,
): void {
  for (const point of [...logMoments(), ...own]) {
    register(
      `a ${platform} worker is killed ${point.at}, during a ${point.during}`,
      (open) =>
        withFleet(async (fleet) => {
          const world = await open(fleet);
          const api = await fleet.serve();
          for (let round = 0; round < ROUNDS; round++) {
            await killOnce(fleet, api, world, point, `round-${round}`);
          }
        }),
    );
  }
}

type Api = Awaited<ReturnType<RedisFleet["serve"]>>;

async function killOnce(
  fleet: RedisFleet,
  api: Api,
  world: KillWorld,
  { during, moment, way }: KillMoment,
  name: string,
): Promise<void> {
  const { json: { id } } = await api.call(`POST ${INSTANCES}`, world.instance(name));
  if (during !== "start") {
    const first = await world.begin({});
    const started = await api.call(`POST ${INSTANCES}/${id}/start`);
    assertEquals(started.status, 200, JSON.stringify(started.json));
    await first.end("SIGTERM");
  }
  let victim: ProgramLife | null = null;
  const act = async () => await victim!.end("SIGKILL");
  const spied = way === "redis"
    ? spyRedis(fleet, { moment, act })
    : await world.spyRuntime!({ moment, act });
  victim = await world.begin(spied.environment);
  const answer = api.call(`POST ${INSTANCES}/${id}/${during}?timeout=40s`);
  await spied.way.hit;
  const next = await world.begin({});
  const { status, json } = await answer;
  assertEquals(status, 200, JSON.stringify(json));
  const shown = await api.call(`GET ${INSTANCES}/${id}`);
  const live = await world.running();
  if (during === "stop") assertEquals([shown.json.status, live], ["Stopped", []]);
  else {
    assertEquals(shown.json.status, "Running");
    assertEquals(live, [world.nameOf(shown.json.runtimeInfo)]);
  }
  assertEquals((await api.call(`DELETE ${INSTANCES}/${id}`)).status, 204);
  assertEquals(await world.remains(), [], "nothing is left");
  await next.end("SIGTERM");
  await spied.way.close();
}

function spyRedis(
  fleet: RedisFleet,
  spy: Pick<Parameters<typeof spyOn>[0], "moment" | "act">,
): { way: SpiedWay; environment: Record<string, string> } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { hostname, port } = new URL(fleet.redis.url);
  const connect = () => Deno.connect({ hostname, port: Number(port) });
  const way = spyOn({ listener, connect, ...spy });
  const spied = new URL(fleet.redis.url);
  spied.port = String((listener.addr as Deno.NetAddr).port);
  return { way, environment: { REDIS_URL: spied.href } };
}
