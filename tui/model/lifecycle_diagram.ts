/** The ways of an instance as a line of statuses, the present one lit. Pure. */
import type { InstanceStatus } from "../../machines/requests.ts";
import { GLYPHS, statusTone } from "./instance_text.ts";
import { type Line, span } from "./line.ts";

const CHAIN: readonly InstanceStatus[] = ["Created", "Starting", "Running", "Stopping", "Stopped"];
/** Where it may be besides. */
const ASIDE: readonly InstanceStatus[] = ["Restarting", "Failed", "Deleting"];

/** Two lines. The present status is in brackets, as not every terminal has colours. */
export function lifecycleLines(present: InstanceStatus): Line[] {
  const sign = (status: InstanceStatus) => {
    const text = `${GLYPHS[status]} ${status}`;
    return status === present ? span(`[${text}]`, statusTone(status)) : span(` ${text} `, "quiet");
  };
  return [
    [
      span("  "),
      ...CHAIN.flatMap((status, at) =>
        at === 0 ? [sign(status)] : [span("→", "quiet"), sign(status)]
      ),
    ],
    [span(" ".repeat(13)), ...ASIDE.flatMap((status) => [span(" "), sign(status)])],
  ];
}
