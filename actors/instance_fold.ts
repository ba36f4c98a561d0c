/** One instance folded from the log itself, by nothing that a node remembers: what it was, and what its baseline must be. */
import type { RecordedEvent } from "../events/envelope.ts";
import type { EventLog, EventPlace } from "../events/event_log.ts";
import { evolve, initialState, isNext } from "../machines/evolve.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { beginningOf } from "./log_beginning.ts";
import type { Reads } from "./reads.ts";

const PAGE = 256;
/** More events of one instance than this are not held at once: then the whole log is read, from its beginning. */
const HELD_MAX = 8_192;
const LOG_PAGE = 1_000;

/** The state of an instance after its event `version`; null when the log holds no such event. */
export async function foldedFromLog(
  log: EventLog,
  reads: Reads,
  instanceId: string,
  version: number,
): Promise<InstanceState | null> {
  const pages: RecordedEvent[][] = [];
  let before: number | EventPlace = version + 1;
  for (let held = 0; held < HELD_MAX; held += PAGE) {
    const page: RecordedEvent[] = await reads.run(() => log.history(instanceId, PAGE, before));
    const origin = page.findLastIndex((event) => event.type === "Baseline");
    pages.push(origin < 0 ? page : page.slice(origin));
    const [first] = page;
    if (!first || origin >= 0 || first.version === 1 || page.length < PAGE) {
      return foldOf(instanceId, version, pages.reverse().flat());
    }
    before = first;
  }
  return await foldedBySight(log, reads, instanceId, version);
}

async function foldedBySight(
  log: EventLog,
  reads: Reads,
  instanceId: string,
  version: number,
): Promise<InstanceState | null> {
  let state = initialState(instanceId);
  for (let after = await beginningOf(log); state.context.version < version;) {
    const page = await reads.run(() => log.read(after, LOG_PAGE));
    for (const event of page) {
      if (event.instanceId === instanceId && isNext(state, event)) state = evolve(state, event);
    }
    if (page.length < LOG_PAGE) break;
    after = page.at(-1)!.position;
  }
  return state.context.version === version ? state : null;
}

function foldOf(
  instanceId: string,
  version: number,
  events: readonly RecordedEvent[],
): InstanceState | null {
  let state = initialState(instanceId);
  for (const event of events) if (isNext(state, event)) state = evolve(state, event);
  return state.context.version === version ? state : null;
}
