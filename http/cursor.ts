/** Where a list goes on: opaque to its readers, and told to be none where it is not one of the list's own. Design §6. */
import { z } from "zod";
import type { Json } from "../events/json.ts";

const LENGTH_MAX = 4_096;
const FAULT = "must be the nextCursor of a page of this list, asked for alike";

/** A cursor of the list of that name. */
export function cursorOf(list: string, place: Json): string {
  const bytes = new TextEncoder().encode(JSON.stringify([list, place]));
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** A query parameter that takes cursors of that list; gives the place. */
export function cursorOfList<S extends z.ZodType>(
  list: string,
  place: S,
): z.ZodPipe<z.ZodString, z.ZodTransform<z.output<S>, string>> {
  return z.string().transform((text, issues) => {
    const parsed = z.tuple([z.literal(list), place]).safeParse(decoded(text));
    if (parsed.success) return parsed.data[1] as z.output<S>;
    issues.addIssue({ code: "custom", message: FAULT });
    return z.NEVER;
  });
}

function decoded(text: string): unknown {
  if (text.length > LENGTH_MAX) return undefined;
  try {
    const bytes = Uint8Array.fromBase64(text, { alphabet: "base64url" });
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    // Whatever else it is, it is none of ours.
    return undefined;
  }
}
