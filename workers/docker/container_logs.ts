/** Reads what an instance's containers printed, as one output: their lines in order, and markers between them. */
import type { RuntimeInfo } from "../../events/runtime_info.ts";
import {
  type LogPage,
  type LogReading,
  type OutputLine,
  PAGE_LINES_MAX,
} from "../../events/server_output.ts";
import type { PrintedLine } from "./container_engine.ts";
import { type DockerSite, infoOf, isLive, maskOf, runsOf, secondsText } from "./docker_site.ts";
import type { Run } from "./run_info.ts";

/** A place in the output: after so many lines of one time in the output of one run. */
interface Place {
  runId: string;
  /** As the daemon writes it; empty: before all of the run's lines, after its first marker. */
  time: string;
  /** Lines of that very time that were given. */
  count: number;
}

/** One page, and waits for one while there is nothing. */
export async function readContainerLogs(
  site: DockerSite,
  instanceId: string,
  reading: LogReading,
): Promise<LogPage> {
  const page = await readNow(site, instanceId, reading);
  if (page.lines.length > 0 || page.hasMore || !reading.waitMs) return page;
  await untilMore(site, instanceId, placeOf(page.cursor ?? ""), reading.waitMs);
  return await readNow(site, instanceId, {
    ...reading,
    ...(page.cursor === null ? {} : { cursor: page.cursor }),
  });
}

async function readNow(
  site: DockerSite,
  instanceId: string,
  reading: LogReading,
): Promise<LogPage> {
  const begun = (await runsOf(site, instanceId)).filter(({ state }) => state.startedAt !== null)
    .reverse();
  const from = placeOf(reading.cursor ?? "");
  // A place in a container that is gone: from the first that is left.
  const at = Math.max(0, begun.findIndex(({ labels }) => labels.runId === from?.runId));
  const lines: OutputLine[] = [];
  let place = from;
  for (const run of begun.slice(at)) {
    const isNew = from?.runId !== run.labels.runId;
    if (isNew) lines.push(marker("started", run.state.startedAt!, `run ${run.labels.runId} began`));
    const left = from ? PAGE_LINES_MAX - lines.length : Infinity;
    const read = await linesOf(site, run, isNew ? null : from, reading, left);
    lines.push(...read.lines);
    place = read.place;
    if (read.hasMore) return { lines, cursor: cursorOf(place), hasMore: true };
    if (!isLive(run) && run !== begun.at(-1)) lines.push(await endMarker(site, run));
  }
  return {
    lines: reading.tail === undefined || from ? lines : lines.slice(-reading.tail || lines.length),
    cursor: place && cursorOf(place),
    hasMore: false,
  };
}

async function linesOf(
  site: DockerSite,
  run: Run,
  from: Place | null,
  { tail, since, stream }: LogReading,
  most: number,
): Promise<{ lines: OutputLine[]; place: Place; hasMore: boolean }> {
  const { labels, state } = run;
  const mask = await maskOf(site, run);
  const lines: OutputLine[] = [];
  let place = from ?? { runId: labels.runId, time: "", count: 0 };
  let toSkip = place.count;
  const begin = place.time === ""
    ? since === undefined ? null : secondsText(since)
    : secondsOf(place.time);
  const reading = {
    follows: false,
    signal: new AbortController().signal,
    ...(begin === null ? {} : { since: begin }),
    ...(tail === undefined || from ? {} : { tail }),
    ...(stream === undefined ? {} : { stream }),
  };
  for await (const line of site.talk.printed(state.id, reading)) {
    if (line.time < place.time) continue;
    if (line.time === place.time && toSkip > 0) {
      toSkip--;
      continue;
    }
    if (lines.length >= most) return { lines, place, hasMore: true };
    place = {
      runId: labels.runId,
      time: line.time,
      count: line.time === place.time ? place.count + 1 : 1,
    };
    lines.push({ ...outputLine(line), text: mask(line.text) });
  }
  return { lines, place, hasMore: false };
}

/** Until the live container prints something after this place, or the time is over. */
async function untilMore(
  { talk, clock, engine }: DockerSite,
  instanceId: string,
  place: Place | null,
  waitMs: number,
): Promise<void> {
  const limit = new AbortController();
  const cancel = clock.after(waitMs, () => limit.abort());
  try {
    const live = (await engine.list(instanceId)).find(({ state }) => state === "running");
    if (!live) {
      return await new Promise((resolve) =>
        limit.signal.addEventListener("abort", () => resolve())
      );
    }
    let toSkip = place?.count ?? 0;
    const since = place && place.time !== "" ? { since: secondsOf(place.time) } : {};
    for await (
      const { time } of talk.printed(live.id, { ...since, follows: true, signal: limit.signal })
    ) {
      if (place && time < place.time) continue;
      if (place && time === place.time && toSkip-- > 0) continue;
      return;
    }
  } finally {
    cancel();
    limit.abort();
  }
}

async function endMarker(site: DockerSite, run: Run): Promise<OutputLine> {
  const info: RuntimeInfo = await infoOf(site, run);
  return marker(
    "ended",
    info.stoppedAt ?? info.startedAt,
    `run ${info.runId} ${info.exit?.message}`,
  );
}

function marker(kind: string, at: number, text: string): OutputLine {
  return { stream: "marker", kind, at, text };
}

function outputLine({ stream, time, text }: PrintedLine): OutputLine {
  return { stream, at: Date.parse(time), text };
}

/** `2026-11-29T03:02:25.911319387Z` as seconds with their fraction. */
function secondsOf(time: string): string {
  const [, fraction = "0"] = /\.(\d+)Z$/.exec(time) ?? [];
  return `${Math.floor(Date.parse(time) / 1_000)}.${fraction.padEnd(9, "0")}`;
}

function cursorOf({ runId, time, count }: Place): string {
  return `${runId} ${time} ${count}`;
}

/** Null: from the beginning. */
function placeOf(cursor: string): Place | null {
  const [, runId, time = "", count] = /^(\S+) (\S*) (\d+)$/.exec(cursor) ?? [];
  return runId ? { runId, time, count: Number(count) } : null;
}
