/** How a cluster is reached and by whom: a kubeconfig, or the service account of the pod that we are in. */
// @ts-types="./client_node.d.ts"
import { type Cluster, type HttpsOptions, KubeConfig } from "@kubernetes/client-node";
import { OperationalError, reasonOf } from "../../events/errors.ts";

/** What the client library falls back to where nothing says how to reach a cluster. */
const NOWHERE = "http://localhost:8080";
const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "[::1]"];
const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** What is said of a cluster beside its kubeconfig; null: as that says. */
export interface AccessChoice {
  context: string | null;
  namespace: string | null;
}

/** As `kubectl` does: by `KUBECONFIG`, `~/.kube/config`, or the service account of the pod that we are in. */
export function accessOfHost(choice: AccessChoice): ClusterAccess {
  const access = opened((config) => config.loadFromDefault(), choice);
  if (access.server === NOWHERE) throw noCluster("there is none");
  return access;
}

export function accessByText(kubeconfig: string, choice: AccessChoice): ClusterAccess {
  return opened((config) => config.loadFromString(kubeconfig), choice);
}

/** One cluster, as one user, in one namespace. */
export class ClusterAccess {
  readonly server: string;
  readonly namespace: string;
  #client: { of: string; client: Deno.HttpClient } | null = null;

  /** @throws {OperationalError} `kubeconfig_invalid` */
  constructor(private readonly config: KubeConfig, { namespace }: AccessChoice) {
    const context = config.getContextObject(config.getCurrentContext());
    const cluster = config.getCurrentCluster();
    if (context === null || cluster === null) throw noCluster("it names no cluster that it holds");
    checkTransport(cluster);
    this.server = cluster.server.replace(/\/$/, "");
    this.namespace = namespace ?? context.namespace ?? "default";
    if (!NAMESPACE.test(this.namespace)) {
      throw noCluster(`${JSON.stringify(this.namespace)} is no namespace`);
    }
  }

  /** Asks with the credentials of now, which may come from a program and change. */
  async fetch(path: string, request: RequestInit): Promise<Response> {
    const options = await this.#credentials();
    const headers = new Headers(request.headers);
    for (const [name, value] of Object.entries(options.headers ?? {})) headers.set(name, value);
    const client = this.#clientWith(options);
    return await fetch(`${this.server}${path}`, { ...request, headers, client });
  }

  close(): void {
    this.#client?.client.close();
    this.#client = null;
  }

  async #credentials(): Promise<HttpsOptions> {
    const options: HttpsOptions = {};
    try {
      await this.config.applyToHTTPSOptions(options);
      return options;
    } catch (error) {
      throw new OperationalError(
        "kubernetes_unauthorized",
        `The credentials for the cluster cannot be had: ${reasonOf(error).trim()}`,
        true,
        "Try `kubectl get pods` on this host; the program that its kubeconfig names may need a login.",
        { cause: error },
      );
    }
  }

  #clientWith({ ca, cert, key }: HttpsOptions): Deno.HttpClient {
    const [caText, certText, keyText] = [ca, cert, key].map(textOf);
    const of = JSON.stringify([caText, certText, keyText]);
    if (this.#client?.of === of) return this.#client.client;
    const client = Deno.createHttpClient({
      ...(caText === null ? {} : { caCerts: [caText!] }),
      ...(certText && keyText ? { cert: certText, key: keyText } : {}),
    });
    this.close();
    this.#client = { of, client };
    return client;
  }
}

function opened(load: (config: KubeConfig) => void, choice: AccessChoice): ClusterAccess {
  const config = new KubeConfig();
  try {
    load(config);
  } catch (error) {
    throw noCluster(reasonOf(error));
  }
  const { context } = choice;
  if (context !== null) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw noCluster(`it has no context ${context}; it has ${known.join(", ") || "none"}`);
    }
    config.setCurrentContext(context);
  }
  return new ClusterAccess(config, choice);
}

/** Whoever is between us and a server without a certificate could do with the fleet as they like. */
function checkTransport(cluster: Cluster): void {
  const { protocol, hostname } = new URL(cluster.server);
  if (protocol === "https:" && !cluster.skipTLSVerify) return;
  if (protocol === "https:") {
    throw noCluster(
      "insecure-skip-tls-verify is not supported: put its certificate-authority in its place",
    );
  }
  if (!LOOPBACK.includes(hostname)) throw noCluster(`${cluster.server} is not encrypted`);
  // The library's word for that a server without TLS is meant.
  cluster.skipTLSVerify = true;
}

function textOf(bytes: Uint8Array | string | undefined): string | null {
  if (bytes === undefined) return null;
  return typeof bytes === "string" ? bytes : new TextDecoder().decode(bytes);
}

function noCluster(reason: string): OperationalError {
  return new OperationalError(
    "kubeconfig_invalid",
    `There is no way to a cluster: ${reason}.`,
    false,
    "Set KUBECONFIG to a file that `kubectl get pods` works with, or run the worker in the cluster.",
  );
}
