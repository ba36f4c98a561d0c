/**
 * What the fleet's servers print, read and followed from any node: asked of the site where the instance is, page by
 * page, over restarts of the server and its worker, and to another site when it moves.
 */
import { type Clock, sleep } from "../events/clock.ts";
import type { CommandBus } from "../events/command_bus.ts";
import { OperationalError } from "../events/errors.ts";
import {
  INTEREST_MS,
  type LogPage,
  type LogReading,
  type OutputLine,
} from "../events/server_output.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import { statusOf } from "../machines/status.ts";
import type { FollowBegin, FollowedPage, ServerOutput } from "./system_port.ts";

const ANSWER_WITHIN_MS = 5_000;
/** How often an instance that has no site yet, or whose site does not answer, is looked at again. */
const LOOK_AGAIN_MS = 1_000;

export interface ServerOutputsParts {
  bus: CommandBus;
  clock: Clock;
  stateOf(instanceId: string): InstanceState | undefined;
}

export class ServerOutputs implements ServerOutput {
  constructor(private readonly parts: ServerOutputsParts) {}

  async lastLines(instanceId: string, tailLines: number): Promise<string[]> {
    const site = this.siteOf(instanceId);
    const query = { type: "logs" as const, instanceId, tailLines };
    return site === undefined ? [] : await this.parts.bus.query(site, query, ANSWER_WITHIN_MS);
  }

  async read(instanceId: string, reading: LogReading): Promise<LogPage> {
    const site = this.siteOf(instanceId);
    return site === undefined
      ? { lines: [], cursor: null, hasMore: false }
      : await this.parts.bus.readLogs(site, instanceId, reading);
  }

  async *follow(
    instanceId: string,
    begin: FollowBegin,
    signal: AbortSignal,
  ): AsyncGenerator<FollowedPage> {
    const following: Following = { instanceId, begin, signal, place: null, isAway: false };
    if (begin.after !== undefined) {
      following.place = placeOf(begin.after);
      yield {
        lines: [resumed(this.parts.clock.now())],
        position: positionOf(following.place),
        end: null,
      };
    }
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const state = this.parts.stateOf(instanceId);
      if (!state || statusOf(state) === "Deleted") {
        return yield { lines: [], position: positionOf(following.place), end: "deleted" };
      }
      const { run } = state.context;
      const page = run?.site
        // The first page tells what is there, or that nobody can tell; only then is there something to wait for.
        ? await this.next(following, run.site, run.runtimeInfo?.startedAt, isFirst)
        : { lines: [], position: positionOf(following.place), end: null };
      if (signal.aborted) return;
      if (page.lines.length > 0 || page.end || isFirst) yield page;
      if (page.end) return;
      if (!run?.site || following.isAway) await sleep(this.parts.clock, LOOK_AGAIN_MS, signal);
    }
  }

  private async next(
    following: Following,
    site: string,
    startedAt: number | undefined,
    isFirst: boolean,
  ): Promise<FollowedPage> {
    const { instanceId, begin, place, signal, isAway } = following;
    const hasMoved = place !== null && place.site !== site;
    const { after: _, ...filter } = begin;
    const stream = begin.stream === undefined ? {} : { stream: begin.stream };
    const from: LogReading = hasMoved
      ? { since: startedAt ?? 0, ...stream }
      : place
      ? { cursor: place.cursor, ...stream }
      : filter;
    const { bus, clock } = this.parts;
    try {
      const waitMs = isFirst || hasMoved ? 0 : INTEREST_MS;
      const page = await bus.readLogs(site, instanceId, { ...from, waitMs }, signal);
      following.isAway = false;
      following.place = page.cursor === null ? null : { site, cursor: page.cursor };
      const lines = hasMoved ? [moved(clock.now()), ...page.lines] : page.lines;
      const isLast = page.cursor === null;
      return { lines, position: positionOf(following.place), end: isLast ? "not_followed" : null };
    } catch (error) {
      if (isFirst || !(error instanceof OperationalError)) throw error;
      following.isAway = true;
      const lines = isAway ? [] : [away(clock.now())];
      return { lines, position: positionOf(place), end: null };
    }
  }

  private siteOf(instanceId: string): string | undefined {
    return this.parts.stateOf(instanceId)?.context.run?.site;
  }
}

interface Following {
  readonly instanceId: string;
  readonly begin: FollowBegin;
  readonly signal: AbortSignal;
  place: SitePlace | null;
  /** Nobody answered the last question. */
  isAway: boolean;
}

interface SitePlace {
  site: string;
  cursor: string;
}

function positionOf(place: SitePlace | null): string | null {
  return place && `${place.cursor}@${place.site}`;
}

/** A position as a page gave it. */
function placeOf(position: string): SitePlace | null {
  const at = position.indexOf("@");
  return at < 0 ? null : { cursor: position.slice(0, at), site: position.slice(at + 1) };
}

function moved(at: number): OutputLine {
  return { stream: "marker", at, kind: "moved", text: "the server runs on another host from here" };
}

function resumed(at: number): OutputLine {
  return {
    stream: "marker",
    at,
    kind: "resumed",
    text: "followed by another connection from here",
  };
}

function away(at: number): OutputLine {
  const text = "its worker does not answer; what its server prints meanwhile comes when it is back";
  return { stream: "marker", at, kind: "away", text };
}
