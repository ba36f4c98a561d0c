/** The `CommandBus` port over the steps: a node's side of the bus. */
import type { CommandBus, Loss, PendingReply, WorkerRecord } from "../../events/command_bus.ts";
import type { CommandRecord } from "../../events/commands.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import type { WorkerMetrics } from "../../events/metrics.ts";
import type { LogPage, LogReading } from "../../events/server_output.ts";
import {
  ANSWER_WITHIN_MS,
  linesOf,
  logsQuery,
  pageOf,
  type Query,
} from "../../events/site_query.ts";
import type { Delivery } from "./delivery.ts";
import type { EmbeddedLeadership } from "./embedded_leadership.ts";
import type { GroupCommit } from "./group_commit.ts";
import type { Heartbeats } from "./heartbeats.ts";
import type { ReplyChannels } from "./reply_channels.ts";
import type { SiteQueries } from "./site_queries.ts";
import { forget } from "./steps/forget.ts";
import { lose } from "./steps/lose.ts";
import { drain } from "./steps/register.ts";
import { retarget } from "./steps/waiting_commands.ts";
import type { CommandRow, Tables, WorkerRow } from "./tables.ts";

/** What the bus is made of; shared with the worker channels. */
export interface BusParts {
  tables: Tables;
  writes: GroupCommit;
  delivery: Delivery;
  replies: ReplyChannels;
  queries: SiteQueries;
  heartbeats: Heartbeats;
}

export class EmbeddedCommandBus implements CommandBus {
  constructor(private readonly parts: BusParts, private readonly leadership: EmbeddedLeadership) {}

  expectReply(platform: string): Promise<PendingReply> {
    return this.parts.writes.read(() => this.parts.replies.open(platform));
  }

  inFlight(): Promise<CommandRecord[]> {
    return this.parts.writes.read(() =>
      [...this.parts.tables.commands.all()]
        .sort((a, b) => a.order - b.order)
        .map((row) => this.#commandRecord(row))
    );
  }

  countInFlight(): Promise<number> {
    return this.parts.writes.read(() => this.parts.tables.commands.size);
  }

  async retarget(commandId: string, site: string | null, fence: number): Promise<boolean> {
    this.leadership.assertLeads(fence);
    return await this.parts.writes.submit(retarget(commandId, site));
  }

  workers(): Promise<WorkerRecord[]> {
    return this.parts.writes.read(() =>
      [...this.parts.tables.workers.all()]
        .filter((row) => !row.forgotten)
        .sort((a, b) => a.workerId < b.workerId ? -1 : 1)
        .map((row) => this.#workerRecord(row))
    );
  }

  metrics(workerIds: readonly string[]): Promise<WorkerMetrics[]> {
    const { heartbeats, tables, writes } = this.parts;
    return writes.read(() =>
      workerIds.flatMap((id) => {
        const told = heartbeats.metrics(id);
        return told && !tables.workers.get(id)?.forgotten ? [told] : [];
      })
    );
  }

  drain(workerId: string, draining: boolean): Promise<boolean> {
    return this.parts.writes.submit(drain(workerId, draining));
  }

  async forget(
    workerId: string,
    fence: number | null,
    requestedBy?: string,
  ): Promise<RecordedEvent[]> {
    if (fence !== null) this.leadership.assertLeads(fence);
    return await this.parts.writes.submit(forget(workerId, requestedBy));
  }

  async lose(loss: Loss, fence: number): Promise<RecordedEvent[]> {
    this.leadership.assertLeads(fence);
    const { writes, heartbeats } = this.parts;
    return await writes.submit(lose(loss, (worker) => heartbeats.at(worker)));
  }

  async query(site: string, query: Query, timeoutMs: number): Promise<string[]> {
    const { writes, queries } = this.parts;
    return linesOf(await writes.read(() => queries.ask(site, query, timeoutMs)));
  }

  async readLogs(
    site: string,
    instanceId: string,
    reading: LogReading,
    signal?: AbortSignal,
  ): Promise<LogPage> {
    const { writes, queries } = this.parts;
    const query = logsQuery(instanceId, reading);
    const limitMs = (reading.waitMs ?? 0) + ANSWER_WITHIN_MS;
    return pageOf(await writes.read(() => queries.ask(site, query, limitMs, signal)));
  }

  #workerRecord(row: WorkerRow): WorkerRecord {
    const { heartbeats } = this.parts;
    return {
      workerId: row.workerId,
      platform: row.platform,
      site: row.site,
      incarnation: row.incarnation,
      machineId: row.machineId,
      slots: row.slots,
      busy: heartbeats.busy(row),
      version: row.version,
      labels: row.labels,
      registeredAt: row.registeredAt,
      lastHeartbeatAt: heartbeats.at(row),
      draining: row.draining || row.left,
      lost: row.lost,
    };
  }

  #commandRecord(row: CommandRow): CommandRecord {
    const { command, enqueuedAt, acceptBy, accepted } = row;
    return {
      command,
      enqueuedAt,
      acceptBy,
      deliveries: this.parts.delivery.deliveries(command.messageId) ?? row.deliveries,
      accepted: accepted && {
        workerId: accepted.workerId,
        incarnation: accepted.incarnation,
        site: accepted.site,
        attempt: accepted.attempt,
      },
    };
  }
}
