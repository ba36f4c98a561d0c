/** A way to a daemon that no client library goes by itself: it begins at a socket of this host. */
export interface DockerWay {
  /** Each connection to it is one to the daemon. */
  readonly socketPath: string;
  /** Why the latest connection did not come through, in the way's own words; null once one has. */
  failure(): WayFailure | null;
  close(): Promise<void>;
}

/** What is in the way, and what to do about it. */
export interface WayFailure {
  words: string;
  hint: string;
}
