/** The real terminal of the terminal UI: what it can show, the editor, files, and Ctrl-Z. */
import { hostIds } from "../adapters/host/host_chance.ts";
import { hostClock } from "../adapters/host/host_clock.ts";
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { TuiHost } from "../tui/shell/host.ts";
import type { Capabilities } from "../tui/theme.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** `sh` gets the file as an argument; what the person has set as editor may have arguments of its own. */
const EDIT = '${VISUAL:-${EDITOR:-vi}} "$1"';
/**
 * The whole group, as the terminal would: `deno task` would pass SIGTSTP on instead of heeding it. Not where the group is
 * its session's own (proc(5), `stat`: pgrp, session): there is no shell then that could wake it.
 */
const STOP = 'set -- $(cat /proc/$$/stat); [ "$5" != "$6" ] || exit 3; kill -STOP 0';

/** @param environment for `NO_COLOR`, `TERM` and the locale */
export function tuiHost(environment: Environment, onBug: TuiHost["onBug"]): TuiHost {
  return {
    clock: hostClock,
    ids: hostIds,
    terminal: capabilitiesOf(environment),
    write: (text) => void Deno.stdout.writeSync(new TextEncoder().encode(text)),
    // It is stopped with the group, so that it ends when the group goes on.
    stop,
    edit,
    saveNew,
    onBug,
  };
}

/** Leaves the second screen, shows the cursor, takes no more pastes or clicks, and lets the terminal edit lines again. */
const RESTORE = "\u001b[?2004l\u001b[?1000l\u001b[?1006l\u001b[?1049l\u001b[?25h\u001b[0m";

/** The terminal as it was before the terminal UI, at once: for a program that is about to end. */
export function restoreTerminal(): void {
  try {
    Deno.stdin.setRaw(false);
    Deno.stdout.writeSync(new TextEncoder().encode(RESTORE));
  } catch {
    // The terminal is gone, and with it what was to be restored.
  }
}

/** What a terminal can show that says this of itself. */
export function capabilitiesOf(
  { NO_COLOR = "", TERM = "", LC_ALL = "", LC_CTYPE = "", LANG = "" }: Environment,
): Capabilities {
  const isDumb = TERM === "dumb";
  const locale = LC_ALL || LC_CTYPE || LANG;
  return {
    hasStyles: !isDumb,
    hasColor: NO_COLOR === "" && !isDumb,
    hasUnicode: !isDumb && (locale === "" || /utf-?8/i.test(locale)),
  };
}

async function stop(): Promise<boolean> {
  try {
    return await run("sh", ["-c", STOP]) === 0;
  } catch (error) {
    // Where no program may be started, nobody can be stopped either.
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

async function edit(text: string, suffix: string): Promise<string> {
  const path = await Deno.makeTempFile({ prefix: "draas-", suffix });
  try {
    await Deno.writeTextFile(path, text);
    const code = await run("sh", ["-c", EDIT, "edit", path]);
    if (code !== 0) throw editorFailed(`The editor ended with exit code ${code}.`);
    return await Deno.readTextFile(path);
  } catch (error) {
    throw error instanceof OperationalError ? error : editorFailed(reasonOf(error));
  } finally {
    await Deno.remove(path);
  }
}

function editorFailed(message: string): OperationalError {
  return new OperationalError("editor_failed", message, true, "Set EDITOR to the editor to use.");
}

async function saveNew(path: string, text: string): Promise<void> {
  try {
    await Deno.writeTextFile(path, text, { createNew: true });
  } catch (error) {
    const isThere = error instanceof Deno.errors.AlreadyExists;
    throw new OperationalError(
      isThere ? "file_exists" : "file_unwritable",
      isThere ? `There is a file ${path} already.` : `${path} was not written: ${reasonOf(error)}`,
      false,
      "Name another file.",
    );
  }
}

async function run(program: string, args: string[]): Promise<number> {
  const { code } = await new Deno.Command(program, { args }).spawn().status;
  return code;
}
