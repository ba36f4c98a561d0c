/** The configuration of an instance as the API shows it: what is configured, what runs, and whether they differ. */
import type { JsonObject } from "../events/json.ts";
import { hasDrift, runningLaunch } from "../machines/legacy_status.ts";
import type { InstanceState } from "../machines/lifecycle.ts";
import type { Revision } from "../machines/revisions.ts";
import { isoTime } from "./iso_time.ts";

/** Within the JSON of its instance. */
export function configurationPart(state: InstanceState): JsonObject {
  return {
    ...revisionsInUse(state),
    serverConfiguration: state.context.specification?.configuration ?? {},
  };
}

/** By itself. `driftDetail` says in words what `drift` means. */
export function configurationView(state: InstanceState): JsonObject {
  const { instanceId, specification, revision } = state.context;
  const running = runningLaunch(state)?.configurationRevision ?? null;
  return {
    id: instanceId,
    ...(specification ? { template: specification.template } : {}),
    ...revisionsInUse(state),
    drift: hasDrift(state),
    ...(hasDrift(state)
      ? { driftDetail: `running revision ${running}, configured ${revision}` }
      : {}),
    configuration: specification?.configuration ?? {},
  };
}

/** One revision in a list: without its configuration, which may be large. */
export function revisionEntry({ revision, at, by, position, version }: Revision): JsonObject {
  const event = { at: isoTime(at), position, version };
  // Nobody knows any more who asked for it, and when; only that it was so by then.
  return by === null ? { revision, asOf: event } : { revision, by, ...event };
}

/** One revision with its configuration. */
export function revisionView(revision: Revision): JsonObject {
  return { ...revisionEntry(revision), configuration: revision.configuration };
}

function revisionsInUse(state: InstanceState): JsonObject {
  const launch = runningLaunch(state);
  return {
    revision: state.context.revision,
    runningRevision: launch?.configurationRevision ?? null,
    // What runs was started with a body of its own: then that is shown too.
    ...(launch && launch.configurationRevision === null
      ? { runningConfiguration: launch.configuration }
      : {}),
  };
}
