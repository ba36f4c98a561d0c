/** The JSON of a problem: RFC 9457 with the members that every problem has, and those of some. Design §6. */
import { z } from "zod";

const time = z.string().meta({ format: "date-time" });

const common = {
  type: z.string().meta({ description: "`urn:draas:problem:` and the code." }),
  title: z.string(),
  status: z.number().int(),
  detail: z.string().meta({ description: "What is wrong, in words." }),
  error: z.string().meta({
    description: "The predecessor's field: as `detail`, or `Operation timed out`.",
  }),
  code: z.string().meta({ description: "Stable, for programs." }),
  retryable: z.boolean().meta({ description: "Whether the same request may succeed later." }),
  hint: z.string().meta({ description: "What to do next, in words." }),
  traceId: z.string().meta({
    description: "As the header X-Request-Id; `correlationId` in the log.",
  }),
};

export const problemSchema = z.looseObject({ ...common, at: time.optional() }).meta({
  id: "Problem",
});
