/** Query parameters of lists: label selectors, orders, choices of fields. Design §6. */
import { z } from "zod";
import { parseSelector } from "../events/label_selector.ts";
import { type ListSort, SORT_KEYS } from "../actors/system_port.ts";

const SELECTOR_CHARACTERS_MAX = 2_048;

/** `env=prod,tier!=web,owner,!old,zone in (a,b)`. */
export const labelSelector = z.string()
  .max(SELECTOR_CHARACTERS_MAX, `must have at most ${SELECTOR_CHARACTERS_MAX} characters`)
  .transform((text, issues) => {
    const parsed = parseSelector(text);
    if (parsed.ok) return parsed.value;
    for (const { message } of parsed.faults) issues.addIssue({ code: "custom", message });
    return z.NEVER;
  }).meta({
    description: "Conditions that all must hold: `env=prod`, `tier!=web`, `owner` (has it), " +
      "`!old` (has it not), `zone in (a,b)`, `zone notin (c)`, with commas between them.",
    example: "env=prod,tier!=web",
  });

/** A key to sort by; `-` before it for the greatest first. */
export const sortBy = z.string().transform((text, issues): ListSort => {
  const descending = text.startsWith("-");
  const key = SORT_KEYS.find((one) => one === text.slice(descending ? 1 : 0));
  if (key) return { key, descending };
  issues.addIssue({
    code: "custom",
    message: `must be one of ${SORT_KEYS.join(", ")}, with - before it for the greatest first`,
  });
  return z.NEVER;
}).meta({
  description: "What to sort by; with - before it the greatest first. By creation when left out.",
  enum: SORT_KEYS.flatMap((key) => [key, `-${key}`]),
});

/** An order as its parameter says it. */
export function sortText(
  { key, descending }: ListSort = { key: "createdAt", descending: false },
): string {
  return `${descending ? "-" : ""}${key}`;
}

/** Some of these names, with commas between them. */
export function someOf<T extends string>(
  names: readonly T[],
): z.ZodPipe<z.ZodString, z.ZodTransform<T[], string>> {
  return z.string().transform((text, issues) => {
    const some = text.split(",").map((word) => names.find((one) => one === word.trim()));
    if (some.every((one) => one !== undefined)) return [...new Set(some)];
    issues.addIssue({
      code: "custom",
      message: `must be some of ${names.join(", ")}, with commas between them`,
    });
    return z.NEVER;
  });
}
