/** Reads server-sent events from a response's body, one message at a time (WHATWG HTML, 9.2.6). */

/** One message. `id` is what to go on after; empty where the message has none. Without data it is only that. */
export interface SseMessage {
  id: string;
  event: string;
  data: string;
}

/** The most characters of one message: nothing of the API is so long. */
const MESSAGE_CHARACTERS_MAX = 16_777_216;
const LINE_END = /\r\n|\n|\r(?!$)/;

/**
 * The messages of `body` until it ends. `onChunk` is called whenever something comes, also a heart-beat.
 * @throws {Error} what reading the body throws, and where a message has no end
 */
export async function* sseMessages(
  body: ReadableStream<Uint8Array>,
  onChunk: () => void = () => {},
): AsyncGenerator<SseMessage> {
  const decoder = new TextDecoder();
  let rest = "";
  let lines: string[] = [];
  let characters = 0;
  for await (const bytes of body) {
    onChunk();
    rest += decoder.decode(bytes, { stream: true });
    if (characters + rest.length > MESSAGE_CHARACTERS_MAX) {
      throw new Error("a message of the stream has no end");
    }
    const parts = rest.split(LINE_END);
    rest = parts.pop() ?? "";
    for (const line of parts) {
      if (line !== "") {
        lines.push(line);
        characters += line.length;
        continue;
      }
      const message = messageOf(lines);
      lines = [];
      characters = 0;
      if (message !== null) yield message;
    }
  }
}

/** Null for comments, and for blocks with neither data nor id. */
function messageOf(lines: readonly string[]): SseMessage | null {
  let [id, event] = ["", "message"];
  const data: string[] = [];
  for (const line of lines) {
    const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (field === "id") id = value;
    else if (field === "event") event = value;
    else if (field === "data") data.push(value);
  }
  return data.length === 0 && id === "" ? null : { id, event, data: data.join("\n") };
}
