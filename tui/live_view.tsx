/** The first plain live view: the fleet as a table that follows the log. It only looks; requests go to the API. */
import { Box, render, Text, useApp, useInput, useWindowSize } from "ink";
import { type ReactElement, useEffect, useState } from "react";
import type { Clock } from "../events/clock.ts";
import type { InstanceSystem } from "../actors/system_port.ts";
import { OperationalError } from "../events/errors.ts";
import type { InstanceStatus } from "../machines/requests.ts";
import { type FleetView, fleetView, headLine, rowLine, titleLine } from "./fleet_view.ts";

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
/** Title, counts, column heads and hint, and the last line, which stays empty. */
const LINES_AROUND = 5;

const COLORS: Partial<Record<InstanceStatus, string>> = {
  Running: "green",
  Failed: "red",
  Starting: "yellow",
  Restarting: "yellow",
  Stopping: "yellow",
};

/** The view while it is shown. */
export interface ShownView {
  /** Resolves when the person leaves it with `q` or Ctrl-C. */
  left: Promise<unknown>;
  /** Gives the terminal back as it was; only then may anything else be written to it. */
  close(): Promise<void>;
}

/** Shows the view on this process's terminal. */
export function showLiveView(props: LiveViewProps): ShownView {
  const view = render(<LiveView {...props} />, {
    alternateScreen: true,
    exitOnCtrlC: true,
    patchConsole: false,
  });
  const left = view.waitUntilExit();
  return {
    left,
    async close() {
      view.unmount();
      await left;
    },
  };
}

/** The screen itself. It never fills the last column or line: a terminal that wraps there would scroll. */
export function LiveView(props: LiveViewProps): ReactElement {
  const { columns, rows: height } = useWindowSize();
  const width = columns - 1;
  const { fleet, away } = useFleet(props.system, props.clock, Math.max(1, height - LINES_AROUND));
  const { exit } = useApp();
  useInput((input) => {
    // What is typed fast arrives as one string.
    if (input.includes("q")) exit();
  });
  return (
    <Box flexDirection="column" width={width} height={Math.max(1, height - 1)} overflow="hidden">
      <Text bold wrap="truncate" {...(props.hasColor && away !== null ? { color: "red" } : {})}>
        {titleLine(props.version, props.url, away)}
      </Text>
      <Text wrap="truncate">
        {fleet.counts}
        {fleet.hidden > 0
          ? ` (${fleet.hidden} of them below; GET ${props.url}/api/server/instances)`
          : ""}
      </Text>
      <Text bold wrap="truncate">{headLine(width)}</Text>
      {fleet.rows.map((row) => (
        <Text
          key={row.id}
          wrap="truncate"
          {...(props.hasColor && COLORS[row.status] ? { color: COLORS[row.status] } : {})}
        >
          {rowLine(row, width)}
        </Text>
      ))}
      {fleet.rows.length === 0 && (
        <Text wrap="truncate">
          No instances yet. Create one: POST {props.url}/api/server/instances
        </Text>
      )}
      <Text dimColor={props.hasColor} wrap="truncate">q leaves; the servers run on</Text>
    </Box>
  );
}

interface Shown {
  fleet: FleetView;
  /** Why the fleet may be an old one; null when it is not. */
  away: string | null;
}

const NOTHING_YET: Shown = { fleet: { rows: [], counts: "", hidden: 0 }, away: null };

function useFleet(system: InstanceSystem, clock: Clock, rowsMax: number): Shown {
  const [shown, setShown] = useState(NOTHING_YET);
  useEffect(() => {
    let cancel: (() => void) | null = null;
    let isOver = false;
    let dueAt = Infinity;
    const look = async () => {
      try {
        const { items } = await system.list({ limit: Infinity });
        const fleet = fleetView(items, clock.now(), rowsMax, (id) => system.isSilent(id));
        if (!isOver) setShown({ fleet, away: system.away() });
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        if (!isOver) setShown(({ fleet }) => ({ fleet, away: error.message }));
      }
    };
    const refresh = async () => {
      dueAt = Infinity;
      await look();
      if (!isOver) later(TICK_MS);
    };
    const later = (delayMs: number) => {
      const at = clock.monotonic() + delayMs;
      if (isOver || at >= dueAt) return;
      cancel?.();
      dueAt = at;
      cancel = clock.after(delayMs, () => void refresh());
    };
    // Without it the view still looks once a second.
    const subscription = system.observe(() => later(FRAME_MS)).catch(() => null);
    void refresh();
    return () => {
      isOver = true;
      cancel?.();
      void subscription.then((one) => one?.close());
    };
  }, [system, clock, rowsMax]);
  return shown;
}
