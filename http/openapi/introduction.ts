/** What the document says of the API as a whole, and of its chapters. */
import { type Tag, TAGS } from "../route_docs.ts";

/** Markdown: what all routes have in common. */
export const INTRODUCTION = `A control plane for servers that run as processes, containers or pods.

- Each mutation answers with its position in the log (\`Draas-Position\`); each read can demand one with \`?atLeast=\`.
- Errors are \`application/problem+json\` (RFC 9457). \`code\` is stable, \`retryable\` says whether the same request
  may succeed later, and \`hint\` what to do next. A request with faults is told all of them at once.
- Every mutation takes an \`Idempotency-Key\`: repeated with it, it is done once. Most take \`If-Match\`.
- Every request may carry \`X-Request-Id\` or \`traceparent\`: the log names it, and so does every answer.
- A token has a role: \`viewer\` reads, \`operator\` also changes instances, \`admin\` also decides about workers.
  Who asks too often is told so by a 429 with \`Retry-After\`.
- \`HEAD\` answers as \`GET\` does, without the body. A path that there is, with another method, is a 405 with \`Allow\`;
  a path that there is not is a 404 with the code \`route_not_found\`.`;

const DESCRIPTIONS: Readonly<Record<Tag, string>> = {
  Instances: "Create, list, show, change, move and delete instances.",
  Lifecycle: "Start, stop and restart, and wait for what comes of it.",
  Configuration:
    "What an instance is configured with: change it, compare it, go back to what it was.",
  Fleets: "Fleet files: what they would change, to apply them, and the fleet as files.",
  History: "What an instance has been through, what it was, and why it is what it is.",
  Events: "The fleet's log as it grows.",
  Logs: "What servers print.",
  Workers: "The workers, and what an administrator does with them.",
  Status: "What the predecessor's clients ask for.",
  Operations: "For those who keep the control plane running.",
};

/** The chapters, in order. */
export function tagDescriptions(): { name: string; description: string }[] {
  return TAGS.map((name) => ({ name, description: DESCRIPTIONS[name] }));
}
