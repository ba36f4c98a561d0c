/** Short messages about what became of something. A failure stays longer, and says what to do. Pure. */
import { printable } from "../terminal_text.ts";
import type { Tone } from "./line.ts";

export interface Toast {
  text: string;
  tone: Tone;
  /** Epoch milliseconds. */
  until: number;
}

const SHORT_MS = 4_000;
const LONG_MS = 15_000;
const TOASTS_MAX = 20;

/** With one more; the newest is the last. Text from outside is made printable here. */
export function told(
  toasts: readonly Toast[],
  text: string,
  tone: "good" | "bad" | "plain" | "busy",
  now: number,
): readonly Toast[] {
  const until = now + (tone === "bad" ? LONG_MS : SHORT_MS);
  return [...toasts, { text: printable(text), tone, until }].slice(-TOASTS_MAX);
}

/** Those whose time is not over. */
export function lasting(toasts: readonly Toast[], now: number): readonly Toast[] {
  return toasts.some(({ until }) => until <= now)
    ? toasts.filter(({ until }) => until > now)
    : toasts;
}
