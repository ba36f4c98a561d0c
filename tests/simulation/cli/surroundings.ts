/** What the task has around it: threads, files, a terminal. A test gives its own. */
import type { Screen } from "./progress.ts";
import type { Selection, Simulation } from "./seed_report.ts";
import type { Shard } from "./shards.ts";

export interface Surroundings {
  simulation: Simulation;
  openShards(jobs: number, selection: Selection): readonly Shard[];
  cores: number;
  sourceDigest(): Promise<string>;
  files: Files;
  /** For what is read once it is done. */
  say(text: string): void;
  /** For what is gone again. */
  screen: Screen;
  /** Whether somebody has asked for an end. */
  isInterrupted(): boolean;
}

/** Paths are those of the folder that the task runs in. */
export interface Files {
  /** Null: there is none. */
  read(path: string): string | null;
  /** All or nothing: a reader finds the old text or the new one. */
  write(path: string, text: string): void;
}

/** What the task ends with. */
export const EXIT = { held: 0, broken: 1, misused: 2, interrupted: 130 } as const;
