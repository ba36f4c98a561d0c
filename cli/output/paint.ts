/** Colours, as a function of what the output is. State is never told by colour alone. Pure. */

/** The colours that there are; terminals choose their shade. */
export type Colour = "green" | "red" | "yellow" | "dim" | "bold";

/** Puts printable text into a colour, or leaves it as it is. */
export type Paint = (text: string, colour: Colour | null) => string;

const CODES: Readonly<Record<Colour, string>> = {
  green: "32",
  red: "31",
  yellow: "33",
  dim: "2",
  bold: "1",
};

/** For everything that is not a terminal. */
export function plain(text: string): string {
  return text;
}

/** For a terminal with colours. */
export function coloured(text: string, colour: Colour | null): string {
  return colour === null || text === "" ? text : `\u001b[${CODES[colour]}m${text}\u001b[0m`;
}

/** Whether colours are wanted: only on a terminal that has them, and not where NO_COLOR is set (no-color.org). */
export function hasColours(
  isTerminal: boolean,
  environment: { NO_COLOR?: string; TERM?: string },
): boolean {
  return isTerminal && !environment.NO_COLOR && environment.TERM !== "dumb";
}

const OF_STATUS: Readonly<Record<string, Colour>> = {
  Running: "green",
  Failed: "red",
  Starting: "yellow",
  Restarting: "yellow",
  Stopping: "yellow",
  Deleting: "yellow",
  Stopped: "dim",
};

/** Of a status, where it has one. */
export function statusColour(status: string): Colour | null {
  return OF_STATUS[status] ?? null;
}

/** Of a health, where it has one. */
export function healthColour(health: string): Colour | null {
  if (health === "healthy") return "green";
  return health === "unhealthy" ? "red" : null;
}
