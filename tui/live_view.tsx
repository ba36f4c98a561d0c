/** The first plain live view: the fleet as a table that follows the log. It only looks; requests go to the API. */
import { Box, render, Text, useApp, useInput, useWindowSize } from "ink";
import { type ReactElement, useEffect, useState } from "react";
import type { Clock } from "../events/clock.ts";
import { OperationalError } from "../events/errors.ts";
import type { InstanceAnswer } from "../http/client/answers.ts";
import type { Availability, FleetPort, FleetWatch } from "../http/client/fleet_port.ts";
import type { InstanceStatus } from "../machines/requests.ts";
import { type FleetView, fleetView, headLine, oldText, rowLine, titleLine } from "./fleet_view.ts";

export interface LiveViewProps {
  fleet: FleetPort;
  clock: Clock;
  version: string;
  hasColor: boolean;
}

/** Uptimes move once a second; what happened is looked at at most this often. */
const FRAME_MS = 250;
const TICK_MS = 1_000;
/** No event tells that a worker has fallen silent. */
const LOOK_MS = 5_000;
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
  const { url } = props.fleet;
  const rowsMax = Math.max(1, height - LINES_AROUND);
  const { fleet, old } = useFleet(props.fleet, props.clock, rowsMax);
  const { exit } = useApp();
  useInput((input) => {
    // What is typed fast arrives as one string.
    if (input.includes("q")) exit();
  });
  return (
    <Box flexDirection="column" width={width} height={Math.max(1, height - 1)} overflow="hidden">
      <Text bold wrap="truncate" {...(props.hasColor && old !== null ? { color: "red" } : {})}>
        {titleLine(props.version, url, old)}
      </Text>
      <Text wrap="truncate">
        {fleet.counts}
        {fleet.hidden > 0
          ? ` (${fleet.hidden} of them below; GET ${url}/api/server/instances)`
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
          No instances yet. Create one: POST {url}/api/server/instances
        </Text>
      )}
      <Text dimColor={props.hasColor} wrap="truncate">q leaves; the servers run on</Text>
    </Box>
  );
}

interface Shown {
  fleet: FleetView;
  /** Why the fleet may be an old one; null when it is not. */
  old: string | null;
}

const NOTHING_YET: Shown = { fleet: { rows: [], counts: "", hidden: 0 }, old: null };

function useFleet(port: FleetPort, clock: Clock, rowsMax: number): Shown {
  const [shown, setShown] = useState(NOTHING_YET);
  useEffect(() => {
    const live = new LiveFleet(port, clock, (items, away, availability) => {
      const now = clock.now();
      const fleet = fleetView(items, now, rowsMax);
      setShown({ fleet, old: oldText(availability, away, now) });
    });
    return () => live.close();
  }, [port, clock, rowsMax]);
  return shown;
}

type Show = (
  items: readonly InstanceAnswer[],
  away: string | null,
  availability: Availability,
) => void;

/** The list, read again after what happens, and shown again each second. */
class LiveFleet {
  private items: readonly InstanceAnswer[] = [];
  private away: string | null = null;
  private isLooking = false;
  private isOver = false;
  /** When the list is to be read again, and when the next tick is, by the monotonic clock. */
  private lookAt = 0;
  private tickAt = Infinity;
  private cancel = () => {};
  private readonly watch: FleetWatch;

  constructor(
    private readonly port: FleetPort,
    private readonly clock: Clock,
    private readonly show: Show,
  ) {
    this.watch = port.watch(() => {
      this.lookAt = Math.min(this.lookAt, clock.monotonic() + FRAME_MS);
      this.tickWithin(FRAME_MS);
    });
    this.tick();
  }

  close(): void {
    this.isOver = true;
    this.cancel();
    this.watch.close();
  }

  private tickWithin(ms: number): void {
    const at = this.clock.monotonic() + ms;
    if (this.isOver || at >= this.tickAt) return;
    this.cancel();
    this.tickAt = at;
    this.cancel = this.clock.after(ms, () => {
      this.tickAt = Infinity;
      this.tick();
    });
  }

  private tick(): void {
    if (this.isOver) return;
    if (this.clock.monotonic() >= this.lookAt && !this.isLooking) void this.look();
    this.show(this.items, this.away, this.watch.availability);
    this.tickWithin(TICK_MS);
  }

  private async look(): Promise<void> {
    this.isLooking = true;
    this.lookAt = this.clock.monotonic() + LOOK_MS;
    try {
      const { items, isStale } = await this.port.instances.list();
      this.items = items;
      this.away = isStale ? (await this.port.node.readiness()).reasons.join("; ") : null;
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      this.away = error.message;
    } finally {
      this.isLooking = false;
    }
    this.tick();
  }
}
