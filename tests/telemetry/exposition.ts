/** Reads Prometheus' text format as strictly as its page says it, so that what is told can be looked up by name. */

/** What was told: `name{label="value"}` with its number, and the types by name. */
export interface Exposition {
  samples: Map<string, number>;
  types: Map<string, string>;
}

const HELP = /^# HELP ([a-z_]+) \S.*[^.\s]$/;
const TYPE = /^# TYPE ([a-z_]+) (counter|gauge|histogram)$/;
const SAMPLE =
  /^([a-z_]+)(\{[a-z_]+="(?:[^"\\]|\\["\\n])*"(?:,[a-z_]+="(?:[^"\\]|\\["\\n])*")*\})? (-?[0-9.e+-]+|\+Inf)$/;

/** @throws {Error} for a line that is not in the format, or not where it belongs */
export function parseExposition(text: string): Exposition {
  if (!text.endsWith("\n")) throw new Error("the last line has no end");
  const samples = new Map<string, number>();
  const types = new Map<string, string>();
  let present = "";
  for (const line of text.slice(0, -1).split("\n")) {
    const [, help] = HELP.exec(line) ?? [];
    const [, typed, type] = TYPE.exec(line) ?? [];
    const [, name, labels = "", value] = SAMPLE.exec(line) ?? [];
    if (help !== undefined) present = help;
    else if (typed === present && type !== undefined) types.set(typed, type);
    else if (name !== undefined && familyOf(name, types) === present) {
      const key = name + labels;
      if (samples.has(key)) throw new Error(`told twice: ${key}`);
      samples.set(key, Number(value!.replace("+Inf", "Infinity")));
    } else throw new Error(`not in the format, or out of place: ${line}`);
  }
  return { samples, types };
}

/** The metric that a sample belongs to. */
export function familyOf(name: string, types: ReadonlyMap<string, string>): string {
  const family = name.replace(/_(bucket|sum|count)$/, "");
  return types.get(family) === "histogram" ? family : name;
}
