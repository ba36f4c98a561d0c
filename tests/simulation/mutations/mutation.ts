/** What a mutation is: a fault that a tired programmer could put into the sources, and what must notice it. */
import type { DrawOptions } from "../draw_plan.ts";

/** A change of a text; `find` occurs exactly once in the file, so that the table stays true as the code moves. */
export interface Edit {
  /** From the root of the project. */
  file: string;
  find: string;
  replace: string;
}

export interface Mutation {
  name: string;
  /** The rule that it breaks, with its place in the design. */
  sentence: string;
  /** Most need one; two where the code says a thing twice. */
  edits: readonly Edit[];
  /** The invariants that may notice it. Others, such as one of time, do not count. */
  noticedBy: readonly string[];
  /** What is not left to the seeds: the faults that bring the situation about. */
  draw: DrawOptions;
  /** So many seeds are tried, from 1 up. */
  seedsMax: number;
}

/** A text with a change made; throws where `find` is not there exactly once. */
export function edited(text: string, { file, find, replace }: Edit): string {
  const parts = text.split(find);
  if (parts.length !== 2) {
    throw new Error(`${file} has ${parts.length - 1} times what is to be replaced once: ${find}`);
  }
  return parts.join(replace);
}
