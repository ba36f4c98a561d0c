/** What the stand-in says of itself, so that nobody takes it for drasi-server at any of its doors. */

/** The version of drasi-server whose behaviour is mimicked. */
export const MIMICKED_VERSION = "0.2.2";

/** The name that `--version` and usage errors print; never `drasi-server` itself. */
export const PROGRAM_NAME = "drasi-server-standin";

/** The answer to `-V` and `--version`. */
export const VERSION_LINE = `${PROGRAM_NAME} 0.1.0 (STAND-IN: not drasi-server, runs no queries)`;

/** The first line on stdout of every run that is not `--version` or `--help`. */
export const DECLARATION =
  `STAND-IN for drasi-server ${MIMICKED_VERSION}: no plugins, no queries, no data`;

/** The header on every HTTP answer: name and value. */
export const STAND_IN_HEADER = ["x-drasi-stand-in", "1"] as const;
