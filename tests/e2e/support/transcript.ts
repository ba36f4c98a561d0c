/** The transcript in docs/cli.md: its commands, run by a shell against a control plane, and what they said before. */
import { withProgram } from "./control_plane.ts";
import { ROOT_FOLDER } from "./program_life.ts";

/** One command and what it says, both streams together. */
export interface Step {
  /** All of its lines, with what it is fed. */
  command: string[];
  output: string[];
}

const PAGE = new URL("../../../docs/cli.md", import.meta.url);
const FENCE = "```";
/** Stands for any lines. */
const ELLIPSIS = "…";
/** Lines of results, which come as their instances are done. */
const RESULT = /^\S+ \(#id\) .* \(#t\)$/;

/** The page in which the transcript is. */
export function transcriptPage(): string {
  return Deno.readTextFileSync(PAGE);
}

/** The steps of the only block of the language `console` in a page. */
export function stepsIn(page: string): Step[] {
  const steps: Step[] = [];
  let end: string | null = null;
  for (const line of blockIn(page).text.trimEnd().split("\n")) {
    if (end !== null || line.startsWith("$ ")) {
      if (end === null) steps.push({ command: [], output: [] });
      steps.at(-1)!.command.push(end === null ? line.slice(2) : line);
      end = line === end ? null : end ?? /<<'(\w+)'/.exec(line)?.[1] ?? null;
    } else steps.at(-1)!.output.push(line);
  }
  return steps;
}

/** The page with other steps in the block's place. */
export function pageWith(page: string, steps: readonly Step[]): string {
  const { begin, end } = blockIn(page);
  const lines = steps.flatMap(({ command, output }) => [`$ ${command.join("\n")}`, ...output]);
  return `${page.slice(0, begin)}${lines.join("\n")}\n${page.slice(end)}`;
}

/** As at the beginning of docs/cli.md. */
const DRAAS =
  `draas() { INIT_CWD="$PWD" '${Deno.execPath()}' task --quiet --cwd '${ROOT_FOLDER}' draas "$@"; }`;

async function perform({ command }: Step, folder: string, url: string): Promise<string[]> {
  const { stdout } = await new Deno.Command("sh", {
    args: ["-c", `exec 2>&1\n${DRAAS}\n${command.join("\n")}\n`],
    cwd: folder,
    env: { DRAAS_URL: url, DRAAS_TOKEN: "", NO_COLOR: "1", LC_ALL: "C.UTF-8" },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout);
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

/** What was said, without what is another in each run; null: it is as it was told. */
export function difference(told: readonly string[], said: readonly string[]): string | null {
  const [before, now] = [told, said].map((lines) => inOrder(lines.map(masked)));
  const isShort = told.includes(ELLIPSIS);
  const isSame = isShort
    ? before!.filter((line) => line !== ELLIPSIS).every((line) => now!.includes(line))
    : before!.join("\n") === now!.join("\n");
  return isSame ? null : `told:\n${before!.join("\n")}\nsaid:\n${now!.join("\n")}`;
}

/** What is told of many lines of results where the page has an ellipsis. */
export function shortened(told: readonly string[], said: readonly string[]): string[] {
  if (!told.includes(ELLIPSIS) || said.length <= 4) return [...said];
  return [...said.slice(0, 2), ELLIPSIS, ...said.slice(-1)];
}

/** Ids, times, pids and ages are others each time; so are the widths of columns. */
function masked(line: string): string {
  return line
    .replace(/\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b/g, "#id")
    .replace(/\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b/g, "#id")
    .replace(/\d{4}-\d{2}-\d{2}T[\d:.]+Z/g, "#at")
    .replace(/\((\d+ms|\d+(\.\d+)?s)\)/g, "(#t)")
    .replace(/\b\d+(ms|[smhd])\b/g, "#t")
    .replace(/\b(pid|port|process) \d+/g, "$1 #")
    .replace(/\b\d+-\d+\b/g, "#position")
    .replace(/ +/g, " ");
}

/** Results in one order, wherever they stand. */
function inOrder(lines: readonly string[]): string[] {
  const sorted = lines.filter((line) => RESULT.test(line)).sort();
  return lines.map((line) => RESULT.test(line) ? sorted.shift()! : line);
}

function blockIn(page: string): { text: string; begin: number; end: number } {
  const opening = `${FENCE}console\n`;
  const begin = page.indexOf(opening) + opening.length;
  const end = page.indexOf(FENCE, begin);
  if (begin < opening.length || end < 0) throw new Error("docs/cli.md has no transcript");
  return { text: page.slice(begin, end), begin, end };
}

/** Runs the page's commands on an empty fleet, in an empty folder; gives what each of them said. */
export async function performed(steps: readonly Step[]): Promise<string[][]> {
  const said: string[][] = [];
  await withProgram(async (world) => {
    const url = await (await world.start()).ready();
    const folder = await Deno.makeTempDir({ dir: world.folder });
    for (const step of steps) said.push(await perform(step, folder, url));
  });
  return said;
}

/** Writes what the commands say now into the page. */
if (import.meta.main) {
  const page = transcriptPage();
  const steps = stepsIn(page);
  const said = await performed(steps);
  const written = steps.map((step, at) => ({ ...step, output: shortened(step.output, said[at]!) }));
  Deno.writeTextFileSync(PAGE, pageWith(page, written));
}
