/** Reads a request's body: bounded in size and time, JSON only, and nothing assumed of its headers. */
import type { Clock } from "../events/clock.ts";
import type { Json } from "../events/json.ts";
import { readJson } from "./json_text.ts";
import type { HttpContext, HttpLimits, HttpServices } from "./options.ts";
import { Problem } from "./problem.ts";

const JSON_TYPE = "application/json";

/**
 * The body's JSON value; undefined when there is no body or only white space.
 * @param otherType a content type that is taken besides `application/json`
 * @throws {Problem} 400 `malformed_json`, 408, 413, 415
 */
export async function readJsonBody(
  context: HttpContext,
  { limits, clock }: HttpServices,
  otherType?: string,
): Promise<Json | undefined> {
  const request = context.req.raw;
  const announced = Number(request.headers.get("content-length") ?? 0);
  if (announced > limits.bodyBytesMax) throw tooLarge(limits);
  const bytes = await readBytes(request.body, limits, clock);
  if (bytes.length === 0) return undefined;
  checkType(request.headers, otherType);
  const text = decode(bytes);
  if (text.trim() === "") return undefined;
  const reading = readJson(text, limits.jsonDepthMax);
  if (reading.ok) return reading.value;
  const { message, position, line, column } = reading.fault;
  throw new Problem("malformed_json", {
    detail: `The body is not JSON: ${message} at position ${position} ` +
      `(line ${line}, column ${column}).`,
    hint: "Send one JSON value in UTF-8.",
    extra: { position, line, column },
  });
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  limits: HttpLimits,
  clock: Clock,
): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const reader = body.getReader();
  let isLate = false;
  const cancelTimer = clock.after(limits.bodyReadMs, () => {
    isLate = true;
    reader.cancel().catch(() => {/* The client is gone; the read below says so. */});
  });
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    while (true) {
      const { done, value } = await reader.read();
      if (isLate) throw tooSlow(limits);
      if (done) break;
      size += value.byteLength;
      // Counted, not believed: a chunked body announces no length.
      if (size > limits.bodyBytesMax) {
        await reader.cancel();
        throw tooLarge(limits);
      }
      chunks.push(value);
    }
  } finally {
    cancelTimer();
  }
  return join(chunks, size);
}

function join(chunks: Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Problem("malformed_json", {
      detail: "The body is not JSON: it is not UTF-8 text.",
      hint: "Send one JSON value in UTF-8.",
    });
  }
}

function checkType(headers: Headers, otherType?: string): void {
  const [type, ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";")
    .map((part) => part.trim());
  const charset = parameters.find((one) => one.startsWith("charset="))?.slice(8);
  const encoding = headers.get("content-encoding") ?? "identity";
  const unsupported = (detail: string) => unsupportedMediaType(detail, otherType ?? JSON_TYPE);
  if (type !== JSON_TYPE && (otherType === undefined || type !== otherType)) {
    throw unsupported(type ? `The body's content type is '${type}'.` : "The body has no type.");
  }
  if (charset !== undefined && !/^"?utf-?8"?$/.test(charset)) {
    throw unsupported(`The body's character set is ${charset}.`);
  }
  if (encoding !== "identity") throw unsupported(`The body's content encoding is '${encoding}'.`);
}

function unsupportedMediaType(detail: string, type: string): Problem {
  return new Problem("unsupported_media_type", {
    detail,
    hint: `Send JSON in UTF-8, not compressed, with 'Content-Type: ${type}'.`,
  });
}

function tooLarge({ bodyBytesMax }: HttpLimits): Problem {
  return new Problem("body_too_large", {
    detail: `The body has more than ${bodyBytesMax} bytes.`,
    hint: "Send a smaller body; what is large belongs into files that the server reads.",
    extra: { bodyBytesMax },
  });
}

function tooSlow({ bodyReadMs }: HttpLimits): Problem {
  return new Problem("body_too_slow", {
    detail: `The body did not arrive within ${bodyReadMs} ms.`,
    hint: "Repeat the request.",
  });
}
