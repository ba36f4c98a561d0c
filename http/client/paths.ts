/** Where things are in the API. Design §6. */

/** The fleet's instances. */
export const INSTANCES = "/api/server/instances";

/** One instance. */
export function instancePath(id: string): string {
  return `${INSTANCES}/${encodeURIComponent(id)}`;
}

/** Its configuration, and below it the revisions. */
export function configurationPath(id: string): string {
  return `/api/configuration/instances/${encodeURIComponent(id)}`;
}
