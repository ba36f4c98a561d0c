/** What this host's owner demands of the isolation of its servers: where its policy plugs in. */

export interface IsolationRules {
  /** Whether a server is not started at all where one of its limits cannot be set. */
  limitsMustHold: boolean;
  /** Why no server may run as this user of the host; null where it may. Asked only where the worker's own user is another. */
  whyNotAs(user: string): string | null;
}

/** Limits are set as far as the host lets us; servers run as the worker's own user. */
export const OWN_USER_ONLY: Readonly<IsolationRules> = Object.freeze({
  limitsMustHold: false,
  whyNotAs: () => "this host lets its servers run as the worker's own user only",
});
