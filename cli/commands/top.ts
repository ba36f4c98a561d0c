/** `draas top`: what instances use of their hosts, once or live. */
import { type Command, Option } from "commander";
import { sleep } from "../../events/clock.ts";
import { OperationalError } from "../../events/errors.ts";
import { RemoteClient } from "../../http/client/remote_client.ts";
import { printable } from "../../tui/terminal_text.ts";
import { EXIT } from "../exit_codes.ts";
import { type Invocation, untilInterrupted } from "../invocation.ts";
import { durationUpTo } from "../option_values.ts";
import {
  frameLines,
  sortedUsage,
  type Usage,
  USAGE_SORTS,
  usageColumns,
  usageOf,
  type UsageSort,
} from "../output/usage_table.ts";
import { chosenInstances, labelled } from "../selection.ts";
import { addExamples, type CommandMaker, labelOption } from "./shared_options.ts";

interface Options {
  label?: Record<string, string>;
  sort: UsageSort;
  once?: boolean;
  interval: number;
}

/** Workers tell of their runs every few seconds. */
const INTERVAL_MS = 2_000;
const INTERVAL_MS_MAX = 3_600_000;
const CLEAR_TO_LINE_END = "\u001b[K";
const CLEAR_BELOW = "\u001b[J";

/** Adds the command to the program. */
export function addTopCommand({ program, run }: CommandMaker): void {
  addExamples(
    program.command("top").summary("show what instances use")
      .description(
        "Shows what instances use: CPU (100% is a core), memory, restarts. On a terminal it goes on until Ctrl-C; else, and in " +
          "JSON, YAML and wide, it tells it once.",
      )
      .argument("[instance...]", "by name, id, or the beginning of an id; none: all of them")
      .addOption(labelOption())
      .addOption(
        new Option("--sort <by>", "what comes first: the most of it").choices(USAGE_SORTS)
          .default("cpu"),
      )
      .option("--once", "once, also on a terminal")
      .addOption(
        new Option("--interval <duration>", "how often it is looked at")
          .argParser(durationUpTo(INTERVAL_MS_MAX, "1h")).default(INTERVAL_MS, "2s"),
      )
      .action((references: string[], options: Options, command: Command) =>
        run((invocation) => top(invocation, references, options), command)
      ),
    "draas top",
    "draas top --sort memory --label env=prod",
    "draas top web cache -o json",
  );
}

async function top(
  invocation: Invocation,
  references: readonly string[],
  options: Options,
): Promise<number> {
  const { client, host, printer } = invocation;
  const { label, sort } = options;
  const named = references.length === 0
    ? null
    : await chosenInstances(client, { references, ...(label ? { label } : {}) });
  const ids = named && new Set(named.map(({ id }) => id));
  const look = async (by: RemoteClient) => {
    const all = await labelled(by, label ?? {});
    return sortedUsage(all.filter(({ id }) => ids?.has(id) ?? true).map(usageOf), sort);
  };
  const rows = await printer.during(() => "Reading the fleet …", look(client));
  if (printer.format === "table" && host.stdout.isTerminal && !options.once) {
    await untilInterrupted(invocation, (signal) => live(invocation, rows, look, options, signal));
    return EXIT.done;
  }
  const columns = usageColumns(host.clock.now(), printer.isWide);
  printer.list({ kind: "Usage", rows, columns, name: ({ id }) => id });
  if (rows.length === 0) printer.say("No instance is like that.");
  return EXIT.done;
}

/** Each frame takes the place of the one before; the last one stays. */
async function live(
  { host, printer, remote }: Invocation,
  first: readonly Usage[],
  look: (by: RemoteClient) => Promise<Usage[]>,
  { interval }: Options,
  signal: AbortSignal,
): Promise<void> {
  const { stdout, clock } = host;
  // What is tried again is told in the frame; words beside it would tear it.
  const client = new RemoteClient({ ...remote, onRetry: () => {} });
  let rows = first;
  let problem: string | null = null;
  let height = 0;
  while (!signal.aborted) {
    const size = { columns: stdout.columns(), rows: stdout.rows() };
    const lines = frameLines({ rows, now: clock.now(), problem }, size, printer.paint);
    const up = height > 1 ? `\u001b[${height - 1}A` : "";
    const text = lines.map((line) => line + CLEAR_TO_LINE_END).join("\n");
    printer.data(`\r${up}${text}${CLEAR_BELOW}`);
    height = lines.length;
    await sleep(clock, interval, signal);
    if (signal.aborted) break;
    try {
      rows = await look(client);
      problem = null;
    } catch (error) {
      if (!(error instanceof OperationalError)) throw error;
      problem = printable(`This may be old: ${error.message}`);
    }
  }
  printer.data("\n");
}
