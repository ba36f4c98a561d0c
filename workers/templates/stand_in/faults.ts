/** The faults that the stand-in shows on request, so that a supervisor's failure paths can be tested. */

/** Which faults are switched on. Times are milliseconds from the end of the step that they belong to. */
export interface Faults {
  /** Waits this long before the API port is bound. */
  slowBootMs: number;
  /** Waits this long between the stop request and the exit. */
  slowStopMs: number;
  /** Ends with this code after the banner; null when off. */
  exitAtBoot: number | null;
  /** Starts the graceful stop on SIGINT and never ends it, as a hung component does. */
  ignoresSigint: boolean;
  /** Sources that are in status `Error` once the server is up. */
  sourceErrors: readonly string[];
  /** How much is poured into stdout after the start; bounded, so that a log file can't fill a disk. */
  floodBytes: number;
  /** Closes the API this long after the start, while the process lives on; null when off. */
  dropApiAfterMs: number | null;
}

/** No fault at all. */
export const NO_FAULTS: Faults = {
  slowBootMs: 0,
  slowStopMs: 0,
  exitAtBoot: null,
  ignoresSigint: false,
  sourceErrors: [],
  floodBytes: 0,
  dropApiAfterMs: null,
};

/** What a fault word may look like; shown in usage errors. */
export const FAULT_FORMS = "slow-boot=MS, slow-stop=MS, exit-at-boot=N, ignore-sigint, " +
  "source-error=ID, flood-stdout[=BYTES], drop-api-after=MS";

const FLOOD_BYTES_DEFAULT = 16 * 1024 * 1024;
const FLOOD_BYTES_MAX = 1024 * 1024 * 1024;
const DELAY_MS_MAX = 3_600_000;

/** Reads fault words such as `slow-boot=500`; a word that is none is given back as `unknown`. */
export function parseFaults(words: readonly string[]): Faults | { unknown: string } {
  let faults = NO_FAULTS;
  for (const word of words) {
    const next = withFault(faults, word);
    if (next === null) return { unknown: word };
    faults = next;
  }
  return faults;
}

/** The words of a comma list, as in `DRAAS_STAND_IN_FAULTS`; blanks are dropped. */
export function commaList(text: string): string[] {
  return text.split(",").map((word) => word.trim()).filter((word) => word !== "");
}

function withFault(faults: Faults, word: string): Faults | null {
  const cut = word.indexOf("=");
  const name = cut < 0 ? word : word.slice(0, cut);
  const value = cut < 0 ? null : word.slice(cut + 1);
  const number = value !== null && /^\d{1,10}$/.test(value) ? Number(value) : null;
  const delayMs = number !== null && number <= DELAY_MS_MAX ? number : null;
  switch (name) {
    case "slow-boot":
      return delayMs === null ? null : { ...faults, slowBootMs: delayMs };
    case "slow-stop":
      return delayMs === null ? null : { ...faults, slowStopMs: delayMs };
    case "drop-api-after":
      return delayMs === null ? null : { ...faults, dropApiAfterMs: delayMs };
    case "exit-at-boot":
      return number === null || number > 255 ? null : { ...faults, exitAtBoot: number };
    case "ignore-sigint":
      return value === null ? { ...faults, ignoresSigint: true } : null;
    case "source-error":
      return value ? { ...faults, sourceErrors: [...faults.sourceErrors, value] } : null;
    case "flood-stdout":
      if (value === null) return { ...faults, floodBytes: FLOOD_BYTES_DEFAULT };
      return number === null || number > FLOOD_BYTES_MAX ? null : { ...faults, floodBytes: number };
    default:
      return null;
  }
}
