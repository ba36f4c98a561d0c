/** Holds the structure that the design promises: who imports whom, and what each part keeps its hands off. Design §7. */
import { assert, assertEquals } from "@std/assert";
import {
  clockFaults,
  consoleFaults,
  environmentFaults,
  firstSentenceFaults,
  hostFaults,
  leftoverFaults,
  nameFaults,
  sizeFaults,
  statusFaults,
} from "./architecture/code_rules.ts";
import { cycleFaults, importFaults, libraryFaults } from "./architecture/import_rules.ts";
import { readSource, type SourceFile } from "./architecture/source_file.ts";

const ROOT = new URL("../", import.meta.url);
const PARTS = [
  "actors",
  "adapters",
  "cli",
  "events",
  "fleet",
  "http",
  "machines",
  "programs",
  "settings",
  "tui",
  "workers",
];

const program = [
  ...PARTS.flatMap((part) => sourcesBelow(`${part}/`)),
  ...["main.ts", "config.ts"].map(sourceAt),
];
const everything = [...program, ...sourcesBelow("tests/"), ...sourcesBelow("bench/")];

Deno.test("the rules see the program", () => {
  const imports = program.flatMap((file) => file.imports);
  assert(program.length > 100, `${program.length} files`);
  assert(imports.length > 300, `${imports.length} imports`);
  const known = new Set(everything.map((file) => file.path));
  const lost = imports.flatMap(({ target }) =>
    target === null || known.has(target) || /\.(sh|lua|json)$/.test(target) ? [] : [target]
  );
  assertEquals(lost, [], "each import names a file that the rules read");
});

const rules: [string, readonly SourceFile[], (files: readonly SourceFile[]) => string[]][] = [
  ["each part imports only what the design's table allows it", program, importFaults],
  ["no files import each other in a circle", program, cycleFaults],
  ["a platform's library is known only in its folder", program, libraryFaults],
  ["only config.ts reads the environment", program, environmentFaults],
  ["clocks, chance and timers are only behind ports", program, clockFaults],
  ["the host's own interface is used only at the edges", program, hostFaults],
  ["only http/problem.ts turns errors into statuses", program, statusFaults],
  ["nothing writes to the console", program, consoleFaults],
  ["files have at most 400 lines and functions at most 70", everything, sizeFaults],
  ["each file begins with a sentence that says what it is", everything, firstSentenceFaults],
  ["names of files say something", everything, nameFaults],
  ["no comment puts work off", everything, leftoverFaults],
];
for (const [sentence, files, faultsIn] of rules) {
  Deno.test(sentence, () => assertEquals(faultsIn(files), []));
}

function sourcesBelow(folder: string): SourceFile[] {
  let entries: Deno.DirEntry[];
  try {
    entries = [...Deno.readDirSync(new URL(folder, ROOT))];
  } catch (error) {
    // A part that is still to come, such as `cli/`.
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
  return entries.sort((a, b) => a.name < b.name ? -1 : 1).flatMap(({ name, isDirectory }) => {
    if (isDirectory) return sourcesBelow(`${folder}${name}/`);
    return /\.tsx?$/.test(name) ? [sourceAt(`${folder}${name}`)] : [];
  });
}

function sourceAt(path: string): SourceFile {
  return readSource(path, Deno.readTextFileSync(new URL(path, ROOT)));
}
