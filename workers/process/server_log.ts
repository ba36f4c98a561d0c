/** Reads the end of a server's output. */

const CHUNK_BYTES = 64 * 1024;
const READ_BYTES_MAX = 4 * 1024 * 1024;

/** The last `lines` lines of the file, at most 4 MiB of it; none where there is no file. */
export async function lastLines(path: string, lines: number): Promise<string[]> {
  for (let bytes = CHUNK_BYTES;; bytes *= 4) {
    const { text, isWhole } = await endOf(path, Math.min(bytes, READ_BYTES_MAX), 0);
    const found = text.split("\n");
    if (found.at(-1) === "") found.pop();
    if (!isWhole) found.shift();
    if (found.length >= lines || isWhole || bytes >= READ_BYTES_MAX) {
      return lines > 0 ? found.slice(-lines) : [];
    }
  }
}

/** The text after byte `from`, cut at the front to `bytesMax`, from the start of a line if it can be. */
export async function tailText(path: string, bytesMax: number, from: number): Promise<string> {
  const { text, isWhole } = await endOf(path, bytesMax, from);
  const lineEnd = text.indexOf("\n");
  const hasMore = lineEnd >= 0 && lineEnd < text.length - 1;
  return (isWhole || !hasMore ? text : text.slice(lineEnd + 1)).trimEnd();
}

async function endOf(
  path: string,
  bytesMax: number,
  from: number,
): Promise<{ text: string; isWhole: boolean }> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { text: "", isWhole: true };
    throw error;
  }
  using open = file;
  const { size } = await open.stat();
  // A file that was cut shorter meanwhile has nothing older left.
  const begin = Math.max(from > size ? 0 : from, size - bytesMax);
  await open.seek(begin, Deno.SeekMode.Start);
  const buffer = new Uint8Array(size - begin);
  let filled = 0;
  while (filled < buffer.length) {
    const read = await open.read(buffer.subarray(filled));
    if (read === null) break;
    filled += read;
  }
  const text = new TextDecoder().decode(buffer.subarray(0, filled));
  return { text, isWhole: begin === 0 || begin === from };
}
