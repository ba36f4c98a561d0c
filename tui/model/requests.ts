/** What a person asks of instances: at once, or after a question that names the targets and the effect. Pure. */
import type { RequestType } from "../../machines/requests.ts";
import { begin } from "./asking.ts";
import type { Model } from "./model.ts";
import type { Confirm, Deed } from "./overlay.ts";
import { type Step, step, tell } from "./step.ts";
import { refusalText, subjectOf, taking, targetsOf } from "./targets.ts";
import { inputOf } from "./text_input.ts";

/** What a key asks for. */
type Verb = Extract<RequestType, "start" | "stop" | "restart" | "delete">;

const EFFECTS: Readonly<Record<Verb, string>> = {
  start: "Their servers are started.",
  stop: "Their servers end, and stay stopped until somebody starts them.",
  restart: "Their servers end and are started anew, with the configuration of now.",
  delete:
    "Servers end, and what DRaaS keeps of them on their hosts is removed. Nothing brings it back.",
};

/** Of so many at once nobody is asked by a key alone. */
const MANY = 2;

/** Asks the targets of the present screen for `verb`; those that do not take it now are left alone. */
export function request(model: Model, verb: Verb): Step {
  const targets = targetsOf(model);
  const takers = taking(targets, verb);
  if (takers.length === 0) return step(tell(model, refusalText(targets, verb), "bad"));
  const deed: Deed = {
    request: { type: verb },
    instanceIds: takers.map(({ id }) => id),
  };
  const mustAsk = verb === "delete" || takers.length >= MANY;
  if (!mustAsk) return begin(model, deed);
  const subject = subjectOf(takers);
  const confirm: Confirm = {
    kind: "confirm",
    title: `${capital(verb)} ${subject}?`,
    effect: EFFECTS[verb] +
      (takers.length < targets.length
        ? ` ${
          targets.length - takers.length
        } of the ${targets.length} do not take it now and are left alone.`
        : ""),
    names: takers.map(({ name }) => name),
    mustType: verb !== "delete"
      ? null
      : takers.length > 1
      ? { text: String(takers.length), what: "how many they are" }
      : { text: "yes", what: "" },
    typed: inputOf(""),
    isOnIt: false,
    button: capital(verb),
    deed,
  };
  return step({ ...model, overlay: confirm });
}

function capital(word: string): string {
  return `${word[0]!.toUpperCase()}${word.slice(1)}`;
}
