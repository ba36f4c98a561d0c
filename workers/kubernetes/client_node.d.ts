/** What we use of @kubernetes/client-node. Its own types describe every kind of object, and take long to check. */
export interface HttpsOptions {
  ca?: Uint8Array | string;
  cert?: Uint8Array | string;
  key?: Uint8Array | string;
  headers?: Record<string, string>;
  rejectUnauthorized?: boolean;
  servername?: string;
}

export interface Cluster {
  name: string;
  server: string;
  skipTLSVerify?: boolean;
  proxyUrl?: string;
}

export interface Context {
  name: string;
  namespace?: string;
}

export class KubeConfig {
  loadFromString(text: string): void;
  loadFromDefault(): void;
  loadFromCluster(): void;
  getContexts(): Context[];
  getCurrentContext(): string;
  setCurrentContext(name: string): void;
  getContextObject(name: string): Context | null;
  getCurrentCluster(): Cluster | null;
  /** Adds what the context's user is known by; runs its program for credentials where it has one. */
  applyToHTTPSOptions(options: HttpsOptions): Promise<void>;
}
