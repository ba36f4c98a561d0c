/** A fence as one number, which a shell can compare. */
import type { Fence } from "../platform.ts";

/** No command is taken over this often. */
const ATTEMPTS_MAX = 1_000_000;

/** Orders fences as `Fence` says: by generation, then by attempt. */
export function fenceNumber({ generation, attempt }: Fence): number {
  return generation * ATTEMPTS_MAX + Math.min(attempt, ATTEMPTS_MAX - 1);
}
