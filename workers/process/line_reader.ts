/** Text lines from a byte stream, as they come. */

const LINE_END = /[\n\0]/;
/** What comes without a line end is cut to its last part: nothing that is read here is that long. */
const LINE_CHARACTERS_MAX = 65_536;

/** The lines of `stream` without their ends, which may be NULs too; leaving the loop early cancels the stream. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stream) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split(LINE_END);
    rest = (lines.pop() ?? "").slice(-LINE_CHARACTERS_MAX);
    yield* lines;
  }
  if (rest !== "") yield rest;
}
