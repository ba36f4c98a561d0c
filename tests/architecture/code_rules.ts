/** What the code itself must not do: touch the host outside its ports, invent statuses, grow without end. Style §2, §3. */
import type { SourceFile } from "./source_file.ts";

const FILE_LINES_MAX = 400;
const FUNCTION_LINES_MAX = 70;

const isChance = (name: string) =>
  /^(Date|Date\.now|new Date\(\)|Temporal.*|performance.*|Math\.random|Math|crypto|crypto\.(random\w*|getRandomValues)|AbortSignal\.timeout|set(Timeout|Interval|Immediate)|queueMicrotask)$/
    .test(name);
/** The stand-in is a separate program, which stands for one that has a clock of its own. */
const HAS_CLOCK = ["adapters/host/", "workers/templates/stand_in/"];
const HAS_HOST = [
  "main.ts",
  "cli/draas.ts",
  "config.ts",
  "programs/",
  "adapters/",
  "workers/",
  "http/server.ts",
];
const HAS_ENVIRONMENT = ["config.ts", "workers/templates/stand_in/main.ts"];
const LEFT_OVER = /(\/\/|\* ).*\b(TO[D]O|FIX[M]E)\b/;
const BAD_WORDS = /^(utils?|helpers?|common|misc|managers?|handler2)$/;
const BAD_NAMES = /^(types|data|info)$/;

/** Clocks, chance and timers outside the host's adapter. */
export function clockFaults(files: readonly SourceFile[]): string[] {
  return usesOutside(files, HAS_CLOCK, isChance, "belongs behind the ports Clock, Ids, Randomness");
}

/** The environment read anywhere but in the settings. */
export function environmentFaults(files: readonly SourceFile[]): string[] {
  const isEnvironment = (name: string) => name === "Deno.env" || name === "process.env";
  return usesOutside(files, HAS_ENVIRONMENT, isEnvironment, "is read in config.ts only");
}

/** The host's own interface where the code should know only ports. */
export function hostFaults(files: readonly SourceFile[]): string[] {
  const isHost = (name: string) => /^(Deno|process)\b/.test(name);
  return usesOutside(files, HAS_HOST, isHost, `belongs in ${HAS_HOST.join(", ")}`);
}

/** Output past the places that own the terminal. */
export function consoleFaults(files: readonly SourceFile[]): string[] {
  return usesOutside(files, [], (name) => name.startsWith("console"), "is not used here");
}

/** Statuses of errors that are not made in `http/problem.ts`. */
export function statusFaults(files: readonly SourceFile[]): string[] {
  return files.filter(({ path }) => path.startsWith("http/") && path !== "http/problem.ts")
    .flatMap(({ path, errorStatuses }) =>
      errorStatuses.map(({ name, line }) =>
        `${path}:${line} answers ${name}; statuses of errors are made in http/problem.ts`
      )
    );
}

/** Files and functions that are too long to be read at once. */
export function sizeFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, lines, functions }) => [
    ...(lines > FILE_LINES_MAX ? [`${path} has ${lines} lines; at most ${FILE_LINES_MAX}`] : []),
    ...functions.filter((one) => one.lines > FUNCTION_LINES_MAX && !isList(path)).map((one) =>
      `${path}:${one.line} ${one.name} has ${one.lines} lines; at most ${FUNCTION_LINES_MAX}`
    ),
  ]);
}

/** A contract is a list of tests inside one function, which is read one test at a time. */
function isList(path: string): boolean {
  return path.startsWith("tests/") && path.endsWith("_contract.ts");
}

/** Files that do not begin with a sentence about themselves. */
export function firstSentenceFaults(files: readonly SourceFile[]): string[] {
  return files.filter(({ text }) =>
    !/^\/\*\*\s(?:(?!\*\/)[\s\S]){15,}[.:](?:(?!\*\/)[\s\S])*\*\//.test(text)
  )
    .map(({ path }) => `${path} does not begin with a doc comment that says what it is`);
}

/** Names that say nothing. */
export function nameFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path }) => {
    const names = path.replace(/\.\w+$/, "").split("/");
    const isBad = names.some((name) =>
      BAD_NAMES.test(name) || name.split(/[_.-]/).some((word) => BAD_WORDS.test(word))
    );
    return [
      ...(isBad ? [`${path} has a name that says nothing`] : []),
      ...(/[A-Z-]/.test(path) ? [`${path} is not snake_case`] : []),
    ];
  });
}

/** Work that was put off in a comment. */
export function leftoverFaults(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, index) =>
      LEFT_OVER.test(line) ? [`${path}:${index + 1} has work left over: ${line.trim()}`] : []
    )
  );
}

function usesOutside(
  files: readonly SourceFile[],
  homes: readonly string[],
  isMeant: (name: string) => boolean,
  rule: string,
): string[] {
  return files.filter(({ path }) => !homes.some((home) => path.startsWith(home)))
    .flatMap(({ path, hostUses }) =>
      hostUses.filter(({ name }) => isMeant(name)).map(({ name, line }) =>
        `${path}:${line} ${name} ${rule}`
      )
    );
}
