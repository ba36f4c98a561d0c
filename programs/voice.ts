/** How a program speaks: what it says to whoever started it, and its log, as lines for people or as JSON. */
import { type Colour, coloured, plain } from "../cli/output/paint.ts";
import { withoutRedisSecrets } from "../settings/redis_address.ts";
import { printable } from "../tui/terminal_text.ts";
import { redacted } from "../workers/redaction.ts";

/** From what only a close look needs, to what has gone wrong for good. */
export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = typeof LEVELS[number];

/** What a line of the log has besides its message. */
export interface Fields {
  /** What to do about it. */
  hint?: string;
  /** The request's `correlationId`: the same in the event log, in the answer's `X-Request-Id`, and at the worker. */
  traceId?: string;
  instanceId?: string;
  workerId?: string;
  [name: string]: string | number | boolean | null | undefined;
}

export interface Voice {
  /** To whoever started the program; a log in JSON has it too. */
  say(text: string): void;
  /** A line of the log; nothing where it is below the level that is wanted. */
  tell(level: Level, message: string, fields?: Fields): void;
}

/** How a voice is made. */
export interface VoiceOptions {
  level: Level;
  format: "text" | "json";
  hasColours: boolean;
  /** In every line of a log in JSON. */
  program: string;
  /** Values that are never shown, besides what looks like a secret by itself. */
  secrets: readonly string[];
  /** Epoch milliseconds. */
  now(): number;
  out(text: string): void;
  log(text: string): void;
}

/** A shorter one would be found in what is none. */
const SECRET_CHARACTERS_MIN = 6;
const HIDDEN = "***";
const COLOURS: Readonly<Record<Level, Colour | null>> = {
  debug: "dim",
  info: null,
  warn: "yellow",
  error: "red",
};
/** What JSON leaves as it is and a terminal would act on. */
const UNSAFE = /[\u007f-\u009f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** A voice on two streams: what is said goes to `out`, the log to `log`. */
export function openVoice(options: VoiceOptions): Voice {
  const { format, level, program, now, out, log } = options;
  const secrets = options.secrets.filter((one) => one.length >= SECRET_CHARACTERS_MIN);
  const hide = (text: string) => redacted(withoutSecrets(text, secrets));
  const paint = options.hasColours ? coloured : plain;
  const tell: Voice["tell"] = (at, message, fields = {}) => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return;
    const shown = hiding(fields, hide);
    log(
      format === "json"
        ? jsonLine(
          { time: new Date(now()).toISOString(), level: at, program },
          hide(message),
          shown,
        )
        : textLines(hide(message), shown, (text) => paint(text, COLOURS[at])),
    );
  };
  return {
    say(text) {
      out(`${text}\n`);
      if (format === "json") tell("info", text);
    },
    tell,
  };
}

/** What was called wrongly is told to a person in plain words, whatever the log is like. */
export function usageLines(message: string, hint = ""): string {
  return withoutRedisSecrets(textLines(message, { hint }, plain));
}

function textLines(message: string, fields: Fields, paint: (text: string) => string): string {
  const { hint, traceId } = fields;
  const trace = traceId ? ` (trace ${printable(traceId)})` : "";
  return `${paint("draas:")} ${lines(message)}${trace}\n${hint ? `  ${lines(hint)}\n` : ""}`;
}

/** Each line stays on its own, and in its place. */
function lines(text: string): string {
  return text.split("\n").map(printable).join("\n");
}

function jsonLine(head: Fields, message: string, fields: Fields): string {
  const line = JSON.stringify({ ...head, message, ...fields });
  return `${line.replace(UNSAFE, escaped)}\n`;
}

function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((at) => `\\u${character.charCodeAt(at).toString(16).padStart(4, "0")}`).join("");
}

function hiding(fields: Fields, hide: (text: string) => string): Fields {
  return Object.fromEntries(
    Object.entries(fields).map((
      [name, value],
    ) => [name, typeof value === "string" ? hide(value) : value]),
  );
}

function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (left, secret) => left.replaceAll(secret, HIDDEN),
    withoutRedisSecrets(text),
  );
}
