/** The limits of a server: what it may use of its host, in the same words on every platform. Design §5. */
import { z } from "zod";

const MEBIBYTE = 1_048_576;

const whole = (unit: string, least: number, most: number) => {
  const error = `must be a whole number of ${unit} from ${least} to ${most}`;
  return z.number({ error }).int(error).min(least, error).max(most, error).optional();
};

const cpus = "must be a number of cores from 0.01 to 1024";

/** Each is for the server with all of its children; one that is absent is not limited. */
export const limitsSchema = z.strictObject({
  /** What its processes may hold in memory together. Whatever asks for more is ended. */
  memoryBytes: whole("bytes", 4 * MEBIBYTE, 2 ** 50),
  /** Cores: 0.5 is half of one. Whatever asks for more waits. */
  cpus: z.number({ error: cpus }).min(0.01, cpus).max(1_024, cpus).optional(),
  /** Open files of each of its processes. */
  openFiles: whole("open files", 16, MEBIBYTE),
  /** Processes and threads at one time. */
  processes: whole("processes", 1, 4_194_304),
}, { error: "must be an object with any of memoryBytes, cpus, openFiles, processes" });
export type Limits = z.infer<typeof limitsSchema>;
export type LimitName = keyof Limits;

/** Whether nothing is limited. */
export function isUnlimited(limits: Limits | undefined): boolean {
  return Object.values(limits ?? {}).every((value) => value === undefined);
}
