/** The release: what `--version` says, and what workers report. */
export const VERSION = "0.1.0";
