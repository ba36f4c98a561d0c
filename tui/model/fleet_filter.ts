/** Which instances a filter lets through: what is typed after `/`, as a predicate. Pure. */
import type { Instance } from "./instance.ts";

/** A filter that was typed. */
export interface FleetFilter {
  /** As it was typed. */
  text: string;
  matches(instance: Instance): boolean;
}

type Test = (instance: Instance) => boolean;

/** Lets everything through. */
export const NO_FILTER: FleetFilter = { text: "", matches: () => true };

/** What of an instance a term such as `state:failed` looks at. */
const FIELDS: Readonly<Record<string, (instance: Instance) => string>> = {
  state: ({ status }) => status,
  status: ({ status }) => status,
  worker: ({ worker }) => worker,
  platform: ({ platform }) => platform,
  runtime: ({ platform }) => platform,
  template: ({ template }) => template,
  health: ({ health }) => health,
  name: ({ name }) => name,
  id: ({ id }) => id,
};

const LABEL_WORDS: readonly string[] = ["label", "l"];

/**
 * Terms with spaces between them; all must be true. `state:failed` (also `worker:`, `platform:`, `template:`,
 * `health:`, `name:`, `id:`) looks at a field, `label=x` or `team=core` at labels, anything else is a regular
 * expression for name and id, or that very text where it is none. `!` before a term, or `!=`, turns it round.
 */
export function fleetFilter(text: string): FleetFilter {
  const tests = text.split(/\s+/).filter((term) => term !== "" && term !== "!").map(testOf);
  if (tests.length === 0) return { ...NO_FILTER, text };
  return { text, matches: (instance) => tests.every((test) => test(instance)) };
}

function testOf(term: string): Test {
  if (term.startsWith("!")) return not(testOf(term.slice(1)));
  const parts = /^([A-Za-z][\w./-]*)(!=|=|:)(.*)$/.exec(term);
  if (!parts) return byPattern(term);
  const [, word = "", operator = "", value = ""] = parts;
  const field = FIELDS[word.toLowerCase()];
  const test = field !== undefined
    ? byField(field, value)
    : LABEL_WORDS.includes(word.toLowerCase())
    ? byLabel(value)
    : operator === ":"
    ? byPattern(term)
    : byLabel(`${word}=${value}`);
  return operator === "!=" ? not(test) : test;
}

/** A beginning is enough: `state:fail`; with `$` at its end it is the whole: `worker:w1$` is not `w10`. */
function byField(field: (instance: Instance) => string, value: string): Test {
  const wanted = value.replace(/\$$/, "").toLowerCase();
  if (wanted.length < value.length) return (instance) => field(instance).toLowerCase() === wanted;
  return (instance) => field(instance).toLowerCase().startsWith(wanted);
}

function byLabel(text: string): Test {
  const equals = text.indexOf("=");
  const [key, value] = equals < 0
    ? [text, undefined]
    : [text.slice(0, equals), text.slice(equals + 1)];
  return ({ labels }) =>
    Object.hasOwn(labels, key) && (value === undefined || labels[key] === value);
}

function byPattern(text: string): Test {
  const pattern = patternOf(text);
  return ({ name, id }) => pattern.test(name) || pattern.test(id);
}

/** A half-typed expression, such as `web(`, is taken as that very text. */
export function patternOf(text: string): RegExp {
  try {
    return new RegExp(text, "iu");
  } catch {
    return new RegExp(text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&"), "iu");
  }
}

function not(test: Test): Test {
  return (instance) => !test(instance);
}
