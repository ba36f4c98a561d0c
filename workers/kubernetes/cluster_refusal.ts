/** What a cluster's API answers with instead of doing something, as errors of ours, in words that say what to do. Pure. */
import { z } from "zod";
import { ClusterRefusal } from "./cluster_api.ts";

/** Of the API's `Status` object (meta/v1). */
const statusSchema = z.object({
  message: z.string().default(""),
  reason: z.string().default(""),
  details: z.object({
    causes: z.array(z.object({
      reason: z.string().default(""),
      message: z.string().default(""),
      field: z.string().default(""),
    })).default([]),
  }).optional(),
});

const FIELD_CONFLICT = "FieldManagerConflict";

/** @param body what came with the status, whatever it was */
export function refusalOf(status: number, body: string): ClusterRefusal {
  const { message, reason, details } = parsed(body);
  const words = message || body.trim().slice(0, 300) || `HTTP status ${status}`;
  const causes = details?.causes.filter((one) => one.reason === FIELD_CONFLICT) ?? [];
  const refusal = (code: string, said: string, retryable: boolean, hint: string) =>
    new ClusterRefusal(status, reason, code, said, retryable, hint);
  if (causes.length > 0) {
    const told = causes.map(({ message, field }) => `${field} (${message})`).join(", ");
    return refusal(
      "field_conflict",
      `Somebody else has set fields of the instance's objects: ${told}.`,
      false,
      "Nothing was overwritten. Take their change back, or delete the object and start again.",
    );
  }
  switch (status) {
    case 401:
      return refusal(
        "kubernetes_unauthorized",
        `The cluster does not know who this worker is: ${words}`,
        true,
        "Renew the credentials in its kubeconfig, or its service account's token.",
      );
    case 403:
      return /exceeded quota/.test(words)
        ? refusal("quota_exceeded", `The namespace's quota is used up: ${words}`, true, MAKE_ROOM)
        : refusal(
          "kubernetes_forbidden",
          `The cluster does not allow it: ${words}`,
          false,
          "Give this worker's account the role of deploy/kubernetes/worker.yaml.",
        );
    default:
      return refusal(
        "kubernetes_refused",
        `The cluster refused: ${words}`,
        status === 429 || status >= 500,
        "Its API server's log says more.",
      );
  }
}

export const MAKE_ROOM = "Delete what is not needed, or ask for a larger quota.";

function parsed(body: string): z.infer<typeof statusSchema> {
  try {
    return statusSchema.parse(JSON.parse(body));
  } catch {
    return { message: "", reason: "" };
  }
}
