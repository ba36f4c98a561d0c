/** Log lines in the form of drasi-server's tracing layer, and the filter that decides which appear. */

const LEVELS = ["error", "warn", "info", "debug", "trace"] as const;

/** A line's level, most severe first in `LEVELS`. */
export type Level = typeof LEVELS[number];

const COLOURS: Record<Level, string> = {
  error: "31",
  warn: "33",
  info: "32",
  debug: "34",
  trace: "35",
};

/**
 * One line: `TIMESTAMP LEVEL target: message`, RFC 3339 UTC with microseconds, level right-aligned.
 * `coloured` puts ANSI codes in even for pipes and files, as upstream does unless `NO_COLOR` is set.
 */
export function logLine(
  line: { atMs: number; level: Level; target: string; message: string; coloured: boolean },
): string {
  const at = new Date(line.atMs).toISOString().replace("Z", "000Z");
  const level = line.level.toUpperCase().padStart(5);
  if (!line.coloured) return `${at} ${level} ${line.target}: ${line.message}\n`;
  return `\x1b[2m${at}\x1b[0m \x1b[${COLOURS[line.level]}m${level}\x1b[0m ` +
    `\x1b[2m${line.target}\x1b[0m\x1b[2m:\x1b[0m ${line.message}\n`;
}

/** The filter in force: `RUST_LOG` wins over the file's `logLevel`. */
export function logFilter(rustLog: string | undefined, logLevel: string): string {
  return rustLog ?? `${logLevel},oci_client=error`;
}

/**
 * Whether a line of `level` passes `filter`. Only the filter's bare level counts: directives for one
 * target (`drasi_server=debug`) are passed over, and without a bare level only errors appear.
 */
export function isLogged(level: Level, filter: string): boolean {
  const bare = filter.split(",").map((part) => part.trim().toLowerCase())
    .filter((part) => part === "off" || LEVELS.some((known) => known === part)).at(-1) ?? "error";
  return bare !== "off" && LEVELS.indexOf(level) <= LEVELS.indexOf(bare as Level);
}
