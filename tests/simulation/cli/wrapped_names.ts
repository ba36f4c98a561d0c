/** Lists of names that fit a terminal. */

const COLUMNS = 85;

/** The names with commas between, in lines that begin at `indent`; the first one is for the caller to begin. */
export function wrappedNames(names: readonly string[], indent: number): string {
  const lines = [""];
  for (const name of names) {
    const before = lines.at(-1)!;
    if (indent + before.length + name.length > COLUMNS) lines.push(name);
    else lines[lines.length - 1] = before === "" ? name : `${before}, ${name}`;
  }
  return lines.join(`,\n${" ".repeat(indent)}`);
}
