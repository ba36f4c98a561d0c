/** Opens the terminal UI on a terminal: the system's news and a person's keys move the model, Ink draws it. */
import { type Instance, render, useApp, useInput, usePaste, useStdin, useWindowSize } from "ink";
import { type ReactElement, useEffect } from "react";
import type { FleetPort } from "../../http/client/fleet_port.ts";
import { Frame } from "../components/frame.tsx";
import { TerminalContext } from "../components/lines.tsx";
import type { Action, SystemAction } from "../model/action.ts";
import { initialModel, type Model, type Origin } from "../model/model.ts";
import { reduce } from "../model/reduce.ts";
import type { TuiHost } from "./host.ts";
import { actionsOf } from "./key_names.ts";
import { MouseReports } from "./mouse_reports.ts";
import { Performer } from "./performer.ts";
import { Store } from "./store.ts";
import { openFeed } from "./system_feed.ts";

export interface TuiParts {
  fleet: FleetPort;
  host: TuiHost;
  origin: Origin;
  /** Other streams than the process's own, for tests. */
  streams?: { stdin: NodeJS.ReadStream; stdout: NodeJS.WriteStream };
  /** How long Ink took for a frame. */
  onRender?(metrics: { renderTime: number }): void;
  /** True: also where the environment looks like one without people, for tests. */
  interactive?: boolean;
}

/** The terminal UI while it is shown. */
export interface OpenTui {
  /** Resolves when the person leaves it. Rejects with what made it fall. */
  left: Promise<unknown>;
  /** Says something on the screen. */
  tell(text: string): void;
  /** Gives the terminal back as it was; only then may anything else be written to it. */
  close(): Promise<void>;
}

const FPS_MAX = 30;
/** Until the terminal has said. */
const SIZE = { columns: 80, rows: 24 };

/** Shows it on this process's terminal, or on `streams`. */
export function openTui(
  { fleet, host, origin, streams, onRender, interactive }: TuiParts,
): OpenTui {
  const { clock } = host;
  const ending = new AbortController();
  let ink: Instance | null = null;
  let lend: SuspendTerminal = (use) => use();
  const post = (action: SystemAction) => store.post(action);
  const performer = new Performer({
    fleet,
    host,
    post,
    lend: (use) => lend(use),
    quit: () => ink?.unmount(),
  });
  const store = new Store(initialModel(origin, SIZE, clock.now()), {
    clock,
    perform: (effect) => performer.perform(effect),
    show: (model, isKey) => {
      ink?.rerender(view(model));
      // Ink draws at most so many frames a second: a key does not wait for the next one.
      if (isKey) void ink?.waitUntilRenderFlush();
    },
    fall: (error) => shown.unmount(error instanceof Error ? error : new Error(String(error))),
  });
  const onActions = (actions: readonly Action[]) => store.dispatch(actions);
  const onLend = (given: SuspendTerminal) => lend = given;
  const view = (model: Model): ReactElement => (
    <TerminalContext.Provider value={host.terminal}>
      <Terminal model={model} onActions={onActions} onLend={onLend} />
    </TerminalContext.Provider>
  );
  const shown = render(view(store.model), {
    ...streams,
    alternateScreen: true,
    exitOnCtrlC: false,
    incrementalRendering: true,
    maxFps: FPS_MAX,
    patchConsole: false,
    ...(onRender ? { onRender } : {}),
    ...(interactive === undefined ? {} : { interactive }),
  });
  ink = shown;
  openFeed({ fleet, clock, post }, ending.signal);
  const left = shown.waitUntilExit().finally(() => {
    ink = null;
    ending.abort();
    store.close();
    performer.close();
  });
  return {
    left,
    tell: (text) => post({ type: "notice", text }),
    async close() {
      shown.unmount();
      await left;
    },
  };
}

type SuspendTerminal = (use: () => Promise<void>) => Promise<void>;

interface TerminalProps {
  model: Model;
  onActions(actions: readonly Action[]): void;
  onLend(lend: SuspendTerminal): unknown;
}

/** The model in the size of the terminal, and the keys that are pressed there. */
function Terminal({ model, onActions, onLend }: TerminalProps): ReactElement {
  const { columns, rows } = useWindowSize();
  useMouse(onActions, onLend);
  useEffect(() => onActions([{ type: "resized", columns, rows }]), [columns, rows, onActions]);
  useInput((input, key) => {
    const actions = actionsOf(input, key);
    if (actions.length > 0) onActions(actions);
  });
  usePaste((text) => onActions([{ type: "pasted", text }]));
  const isSized = model.terminal.columns === columns && model.terminal.rows === rows;
  return (
    <Frame
      model={isSized ? model : reduce(model, { type: "resized", columns, rows }).model}
    />
  );
}

/**
 * Ink reads the input and passes over what the mouse says; it is heard beside it. Only while Ink reads: a listener alone
 * would take the input from who has the terminal meanwhile.
 */
function useMouse(onActions: TerminalProps["onActions"], onLend: TerminalProps["onLend"]): void {
  const { stdin } = useStdin();
  const { suspendTerminal } = useApp();
  useEffect(() => {
    const reports = new MouseReports();
    const read = (chunk: unknown) => {
      const actions = reports.read(String(chunk));
      if (actions.length > 0) onActions(actions);
    };
    onLend(async (use) => {
      stdin.off("data", read);
      await suspendTerminal(use);
      stdin.on("data", read);
    });
    stdin.on("data", read);
    return () => void stdin.off("data", read);
  }, [stdin, suspendTerminal, onActions, onLend]);
}
