/** Reads JSON from outside: bounded in depth, and with the place of the first fault. */
import type { Json } from "../events/json.ts";

/** Where a text stops being JSON; `line` and `column` count from 1, `position` from 0. */
export interface JsonFault {
  message: string;
  position: number;
  line: number;
  column: number;
}

export type JsonReading = { ok: true; value: Json } | { ok: false; fault: JsonFault };

/** The value of `text`, or the first place where it is not JSON, or is nested deeper than `depthMax`. */
export function readJson(text: string, depthMax: number): JsonReading {
  const tooDeep = depthFault(text, depthMax);
  if (tooDeep !== null) {
    return faultAt(text, tooDeep, `nested deeper than ${depthMax} levels`);
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    const scanner = new Scanner(text);
    const expected = scanner.firstFault();
    const found = scanner.at < text.length
      ? `found ${JSON.stringify(text.slice(scanner.at, scanner.at + 1))}`
      : "the text ends";
    return faultAt(text, scanner.at, `expected ${expected}, but ${found}`);
  }
}

function faultAt(text: string, position: number, message: string): JsonReading {
  const before = text.slice(0, position);
  const line = before.split("\n").length;
  const column = position - (before.lastIndexOf("\n") + 1) + 1;
  return { ok: false, fault: { message, position, line, column } };
}

/** The position of the first bracket that is too deep: checked first, since parsing and walking cost stack. */
function depthFault(text: string, depthMax: number): number | null {
  let depth = 0;
  let isInString = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (isInString) {
      if (char === "\\") at++;
      else if (char === '"') isInString = false;
    } else if (char === '"') isInString = true;
    else if (char === "{" || char === "[") {
      if (++depth > depthMax) return at;
    } else if (char === "}" || char === "]") depth--;
  }
  return null;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
// deno-lint-ignore no-control-regex -- these are what a JSON string must not hold
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y;

/** Finds where a text that is not JSON goes wrong: the engine's own message names the place only sometimes. */
class Scanner {
  at = 0;
  constructor(private readonly text: string) {}

  /** What was expected at `at`. */
  firstFault(): string {
    return this.value() ?? (this.space(), "the end");
  }

  private value(): string | null {
    this.space();
    switch (this.text[this.at]) {
      case "{":
        return this.members("}", () => this.member());
      case "[":
        return this.members("]", () => this.value());
      case '"':
        return this.string();
      default:
        return this.matches(WORD) || this.matches(NUMBER) ? null : "a value";
    }
  }

  private members(close: string, one: () => string | null): string | null {
    this.at++;
    this.space();
    if (this.take(close)) return null;
    while (true) {
      const fault = one();
      if (fault) return fault;
      this.space();
      if (this.take(close)) return null;
      if (!this.take(",")) return `"," or "${close}"`;
    }
  }

  private member(): string | null {
    this.space();
    if (this.text[this.at] !== '"') return "a name in double quotes";
    const fault = this.string();
    if (fault) return fault;
    this.space();
    return this.take(":") ? this.value() : '":"';
  }

  private string(): string | null {
    this.matches(STRING);
    return this.take('"') ? null : "the string to go on or to end";
  }

  private matches(pattern: RegExp): boolean {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found) return false;
    this.at += found[0].length;
    return true;
  }

  private take(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private space(): void {
    while (" \t\r\n".includes(this.text[this.at] ?? "x")) this.at++;
  }
}
