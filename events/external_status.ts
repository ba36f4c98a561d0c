/** What somebody outside says of a server: a monitor, a platform's own daemon. Shown, and decided upon by nobody. Design §4 rule 15. */
import { z } from "zod";

const METADATA_MAX = 32;

/** One report. `status` is a word of whoever reports; what may be said is checked at the edge. */
export const externalStatusSchema = z.object({
  status: z.string().min(1).max(64),
  /** Who says so, such as `DockerDaemon`. */
  source: z.string().min(1).max(200),
  metadata: z.record(z.string().max(64), z.string().max(256))
    .refine((metadata) => Object.keys(metadata).length <= METADATA_MAX, {
      error: `must have at most ${METADATA_MAX} entries`,
    }),
});
export type ExternalStatus = z.infer<typeof externalStatusSchema>;
