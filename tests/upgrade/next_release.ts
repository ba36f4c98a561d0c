/** The release after this one: a copy of the program with a newer function library, and a newer shape of one event. */

const ROOT = new URL("../../", import.meta.url);
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
const FILES = ["config.ts", "main.ts", "deno.json", "deno.lock"];

/** What the next release changes: a file, a text in it, and what stands there instead. */
const CHANGES: readonly (readonly [file: string, text: string, instead: string])[] = [
  ["adapters/redis/function_library.ts", "LIBRARY_VERSION = 1;", "LIBRARY_VERSION = 2;"],
  ["events/instance_events.ts", "InstanceCreated: 3", "InstanceCreated: 3, StartRequested: 2"],
  [
    "events/upcast.ts",
    "const UPCASTERS: Upcasters = {",
    "const UPCASTERS: Upcasters = { StartRequested: { 1: (data) => ({ ...data, news: true }) },",
  ],
  [
    "events/upcast.ts",
    "const DOWNCASTERS: Downcasters = {",
    "const DOWNCASTERS: Downcasters = { StartRequested: { 2: ({ news: _, ...data }) => data },",
  ],
];

/** Writes it to a new folder, which the caller removes. */
export async function nextRelease(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "draas-next-" });
  for (const part of PARTS) copyFolder(part, folder);
  for (const file of FILES) Deno.copyFileSync(new URL(file, ROOT), `${folder}/${file}`);
  for (const [file, text, instead] of CHANGES) {
    const path = `${folder}/${file}`;
    const before = Deno.readTextFileSync(path);
    if (!before.includes(text)) throw new Error(`${file} has no ${text} any more`);
    Deno.writeTextFileSync(path, before.replace(text, instead));
  }
  return folder;
}

function copyFolder(path: string, to: string): void {
  Deno.mkdirSync(`${to}/${path}`, { recursive: true });
  for (const { name, isDirectory } of Deno.readDirSync(new URL(`${path}/`, ROOT))) {
    if (isDirectory) copyFolder(`${path}/${name}`, to);
    else Deno.copyFileSync(new URL(`${path}/${name}`, ROOT), `${to}/${path}/${name}`);
  }
}
