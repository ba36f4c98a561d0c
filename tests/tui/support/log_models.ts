/** Models of the screen of logs for tests: opened for instances, with lines that they have printed. */
import type { LogLineAnswer } from "../../../http/client/answers.ts";
import type { Action } from "../../../tui/model/action.ts";
import { logRows } from "../../../tui/model/logs_rows.ts";
import { textOf } from "../../../tui/model/line.ts";
import type { Model } from "../../../tui/model/model.ts";
import { after, answerOf, modelWith, NOON, press } from "./fleet_models.ts";

/** Lines that an instance has printed, one a second from noon on. */
export function printed(
  id: string,
  texts: readonly string[],
  { stream = "stdout", from = 0 }: { stream?: LogLineAnswer["stream"]; from?: number } = {},
): Action {
  const lines = texts.map((text, at): LogLineAnswer => ({
    stream,
    at: new Date(NOON + (from + at) * 1_000).toISOString(),
    text,
  }));
  return { type: "followed", slot: `logs.${id}`, followed: { kind: "lines", lines } };
}

/** `line 1`, `line 2` and so on. */
export function numbered(count: number, from = 1): string[] {
  return Array.from({ length: count }, (_, at) => `line ${from + at}`);
}

/** The screen of logs of these instances, opened from the fleet. */
export function logsOf(
  ids: readonly string[],
  actions: readonly Action[] = [],
  size: { columns?: number; rows?: number } = {},
): Model {
  const fleet = modelWith(ids.map((id) => answerOf(id, { status: "Running" })), size);
  return after(press(fleet, ids.length > 1 ? "* l" : "l"), actions);
}

/** What is in sight, without the spaces at the ends. */
export function rowsIn(model: Model): string[] {
  return logRows(model).map((line) => textOf(line).trimEnd());
}
