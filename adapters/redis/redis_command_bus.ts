/** The `CommandBus` port in Redis: a node's side of the bus. Design §5. */
import type { CommandBus, Loss, PendingReply, WorkerRecord } from "../../events/command_bus.ts";
import { type CommandRecord, isUrgent } from "../../events/commands.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { WorkerMetrics } from "../../events/metrics.ts";
import type { LogPage, LogReading } from "../../events/server_output.ts";
import { linesOf, logsQuery, pageOf, type Query } from "../../events/site_query.ts";
import { DELIVERIES_MAX } from "./command_offers.ts";
import { commandsOf, type StoredCommand, storedCommands } from "./command_records.ts";
import { retriedWithKeys } from "./redis_event_log.ts";
import { asLeader } from "./redis_leadership.ts";
import type { RedisLink } from "./redis_link.ts";
import type { ReplyChannels } from "./reply_channels.ts";
import type { SiteQuestions } from "./site_questions.ts";
import { type ToldEvent, toldEvent } from "./stored_entries.ts";
import { workerMetrics, workerRecords } from "./worker_records.ts";

/** Deliveries that are looked at for each stream. */
const PENDING_MAX = 10_000;

export class RedisCommandBus implements CommandBus {
  constructor(
    private readonly link: RedisLink,
    private readonly replies: ReplyChannels,
    private readonly questions: SiteQuestions,
  ) {}

  expectReply(platform: string): Promise<PendingReply> {
    return this.replies.expect(platform);
  }

  async inFlight(): Promise<CommandRecord[]> {
    const stored = await storedCommands(this.link);
    const [commands, deliveries] = await Promise.all([
      commandsOf(this.link, stored),
      this.deliveries(stored),
    ]);
    return stored.flatMap((one) => {
      const command = commands.get(one.commandId);
      return command
        ? [recordOf(one, command, (deliveries.get(one.entry ?? "") ?? 0) + (one.moved ?? 0))]
        : [];
    });
  }

  async countInFlight(): Promise<number> {
    return await this.link.ask("HLEN", this.link.keys.commands) as number;
  }

  async retarget(commandId: string, site: string | null, fence: number): Promise<boolean> {
    const { link } = this;
    const [text] = await link.ask("HMGET", link.keys.payloads, commandId) as [string | null];
    if (text === null) {
      // Still the leader's right to be told that it is not.
      await asLeader(() =>
        link.write("retarget", [link.keys.meta, link.keys.meta], [
          fence,
          commandId,
          "",
          DELIVERIES_MAX,
        ])
      );
      return false;
    }
    const command = JSON.parse(text);
    const to = link.keys.commandStream(command.platform, site, isUrgent(command));
    const [from = to] = await this.streamsOf([commandId]);
    const answer = await retriedWithKeys((missing) =>
      asLeader(() =>
        link.write("retarget", [from, to, ...missing], [
          fence,
          commandId,
          site ?? "",
          DELIVERIES_MAX,
        ])
      )
    );
    return (answer as string[])[0] === "moved";
  }

  workers(): Promise<WorkerRecord[]> {
    return workerRecords(this.link);
  }

  async metrics(workerIds: readonly string[]): Promise<WorkerMetrics[]> {
    return await workerMetrics(this.link, workerIds);
  }

  async drain(workerId: string, draining: boolean): Promise<boolean> {
    const args = [workerId, draining ? "draining" : "resumed"];
    return await this.link.write("stand", [this.link.keys.control(workerId)], args) === 1;
  }

  async forget(
    workerId: string,
    fence: number | null,
    requestedBy = "forget",
  ): Promise<RecordedEvent[]> {
    const { link } = this;
    const keys = [link.keys.control(workerId), link.keys.metrics];
    const args = [workerId, fence ?? "", requestedBy];
    const told = await asLeader(() => link.write("forget", keys, args));
    return (told as ToldEvent[]).map(toldEvent);
  }

  async lose(loss: Loss, fence: number): Promise<RecordedEvent[]> {
    const { link } = this;
    const worker = (await this.workers()).find(({ workerId }) => workerId === loss.workerId);
    const { platform = "", site = "" } = worker ?? {};
    const more = [link.keys.control(loss.workerId), ...link.keys.workerStreams(platform, site)];
    const args = [loss.workerId, fence, loss.incarnation, loss.silentMs];
    const told = await asLeader(() =>
      link.write("lose", more, [...args, ...new Set(loss.instanceIds)])
    );
    return (told as ToldEvent[]).map(toldEvent);
  }

  async query(site: string, query: Query, timeoutMs: number): Promise<string[]> {
    return linesOf(await this.questions.ask(site, query, timeoutMs));
  }

  async readLogs(
    site: string,
    instanceId: string,
    reading: LogReading,
    signal?: AbortSignal,
  ): Promise<LogPage> {
    const query = logsQuery(instanceId, reading);
    return pageOf(await this.questions.askWaiting(site, query, reading.waitMs ?? 0, signal));
  }

  /** Where these commands wait, of those that do. */
  async streamsOf(commandIds: readonly string[]): Promise<string[]> {
    const { link } = this;
    const texts = await link.ask("HMGET", link.keys.commands, ...commandIds) as (string | null)[];
    return texts.flatMap((text) => {
      const { stream } = JSON.parse(text ?? "{}") as Partial<StoredCommand>;
      return stream ? [stream] : [];
    });
  }

  /** How often each entry was offered. */
  private async deliveries(stored: readonly StoredCommand[]): Promise<Map<string, number>> {
    const streams = [...new Set(stored.flatMap(({ stream }) => stream ?? []))];
    const counts = new Map<string, number>();
    await Promise.all(streams.map(async (stream) => {
      const pending = await this.link.ask("XPENDING", stream, "workers", "-", "+", PENDING_MAX)
        .catch(noGroupYet);
      for (const [entry, , , count] of pending as [string, string, number, number][]) {
        counts.set(entry, count);
      }
    }));
    return counts;
  }
}

/** Before the first worker of a stream there is no group, so nothing was delivered. */
function noGroupYet(error: unknown): [] {
  if (error instanceof Error && error.message.startsWith("NOGROUP")) return [];
  throw error;
}

function recordOf(
  stored: StoredCommand,
  command: CommandRecord["command"],
  deliveries: number,
): CommandRecord {
  const { accepted } = stored;
  return {
    command,
    enqueuedAt: stored.enqueuedAt,
    acceptBy: stored.acceptBy,
    deliveries,
    accepted: accepted
      ? {
        workerId: accepted.workerId,
        incarnation: accepted.incarnation,
        site: accepted.site,
        attempt: accepted.attempt,
      }
      : null,
  };
}
