/** The digest of everything that runs in a seed: when it changes, seeds that were run say nothing any more. */

const FOLDERS = [
  "actors",
  "adapters",
  "events",
  "machines",
  "workers",
  "tests/history",
  "tests/simulation",
];
/** How seeds are run and told changes nothing in them. */
const LEFT_OUT = /^tests\/simulation\/cli\/|_test\.tsx?$/;

/** Over the texts of all sources, in the order of their paths, and the versions of the libraries. */
export async function sourceDigest(root: URL): Promise<string> {
  const paths = FOLDERS.flatMap((folder) => sourcesBelow(root, folder)).sort();
  const parts = ["deno.lock", ...paths].map((path) =>
    `${path}\n${Deno.readTextFileSync(new URL(path, root))}\n`
  );
  const bytes = new TextEncoder().encode(parts.join(""));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function sourcesBelow(root: URL, folder: string): string[] {
  return [...Deno.readDirSync(new URL(folder, root))].flatMap(({ name, isDirectory }) => {
    const path = `${folder}/${name}`;
    if (isDirectory) return sourcesBelow(root, path);
    return /\.(tsx?|lua|sh|json)$/.test(name) && !LEFT_OUT.test(path) ? [path] : [];
  });
}
