/** Text lines from a byte stream, in pieces as they come. */

/** Longer lines are cut: nothing that is read by lines here has any. */
const LINE_CHARACTERS_MAX = 65_536;

/** The lines of `stream` without their ends; leaving the loop early cancels the stream. */
export async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream() as unknown as Decoder)) {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-LINE_CHARACTERS_MAX);
    yield* lines;
  }
  if (rest !== "") yield rest;
}

type Decoder = ReadableWritablePair<string, Uint8Array>;
