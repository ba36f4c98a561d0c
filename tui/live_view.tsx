/** The first plain live view: the fleet as a table that follows the log. It only looks; requests go to the API. */
import { Box, render, Text, useApp, useInput, useWindowSize } from "ink";
import { type ReactElement, useEffect, useState } from "react";
import type { Clock } from "../events/clock.ts";
import type { InstanceSystem } from "../actors/system_port.ts";
import type { InstanceStatus } from "../machines/requests.ts";
import { countsOf, type FleetRow, rowOf } from "./fleet_view.ts";

export interface LiveViewProps {
  system: InstanceSystem;
  clock: Clock;
  /** Shown on the first line: where the API listens. */
  url: string;
  version: string;
  hasColor: boolean;
}

/** Uptimes move once a second; events are shown at most this often. */
const FRAME_MS = 100;
const TICK_MS = 1_000;
/** What is listed at most; the rest is counted. */
const ROWS_MAX = 500;
/** Title, counts, column heads, hint. */
const LINES_AROUND = 5;

const COLORS: Partial<Record<InstanceStatus, string>> = {
  Running: "green",
  Failed: "red",
  Starting: "yellow",
  Restarting: "yellow",
  Stopping: "yellow",
};

/** Shows the view until the person leaves it with `q` or Ctrl-C. */
export async function showLiveView(props: LiveViewProps): Promise<void> {
  const view = render(<LiveView {...props} />, {
    alternateScreen: true,
    exitOnCtrlC: true,
    patchConsole: false,
  });
  await view.waitUntilExit();
}

/** The screen itself. */
export function LiveView(props: LiveViewProps): ReactElement {
  const rows = useFleet(props.system, props.clock);
  const { columns, rows: height } = useWindowSize();
  const { exit } = useApp();
  useInput((input) => {
    if (input.includes("q")) exit();
  });
  const visible = rows.slice(0, Math.max(1, height - LINES_AROUND));
  return (
    <Box flexDirection="column" width={columns}>
      <Text bold wrap="truncate">DRaaS {props.version} {props.url}</Text>
      <Text wrap="truncate">
        {countsOf(rows)}
        {rows.length > visible.length ? ` (the first ${visible.length} shown)` : ""}
      </Text>
      <Line cells={HEADS} columns={columns} isHead />
      {visible.map((row) => (
        <Line
          key={row.id}
          columns={columns}
          cells={[
            row.symbol,
            row.status,
            row.name,
            row.processId,
            row.port,
            row.restarts,
            row.since,
            row.detail,
          ]}
          {...(props.hasColor && COLORS[row.status] ? { color: COLORS[row.status] } : {})}
        />
      ))}
      {rows.length === 0 && (
        <Text>No instances yet. Create one: POST {props.url}/api/server/instances</Text>
      )}
      <Text dimColor={props.hasColor} wrap="truncate">q leaves; the servers run on</Text>
    </Box>
  );
}

const HEADS = ["", "STATUS", "NAME", "PID", "PORT", "RESTARTS", "AGE", ""];
const WIDTHS = [2, 11, 24, 9, 7, 9, 6, 0];

function Line(
  props: { cells: string[]; columns: number; isHead?: boolean; color?: string },
): ReactElement {
  const text = props.cells.map((cell, index) => {
    const width = WIDTHS[index]!;
    return width === 0 ? cell : cell.slice(0, width - 1).padEnd(width);
  }).join("").slice(0, props.columns);
  return (
    <Text
      wrap="truncate"
      bold={props.isHead === true}
      {...(props.color ? { color: props.color } : {})}
    >
      {text}
    </Text>
  );
}

function useFleet(system: InstanceSystem, clock: Clock): FleetRow[] {
  const [rows, setRows] = useState<FleetRow[]>([]);
  useEffect(() => {
    let cancel: (() => void) | null = null;
    let isOver = false;
    let dueAt = Infinity;
    const refresh = async () => {
      dueAt = Infinity;
      const page = await system.list({ limit: ROWS_MAX });
      if (isOver) return;
      setRows(page.items.map((state) => rowOf(state, clock.now())));
      later(TICK_MS);
    };
    const later = (delayMs: number) => {
      const at = clock.monotonic() + delayMs;
      if (isOver || at >= dueAt) return;
      cancel?.();
      dueAt = at;
      cancel = clock.after(delayMs, () => void refresh());
    };
    const subscription = system.observe(() => later(FRAME_MS));
    void refresh();
    return () => {
      isOver = true;
      cancel?.();
      void subscription.then((one) => one.close());
    };
  }, [system, clock]);
  return rows;
}
