/** The kubelet's own server: the logs of its containers, and their use of the host. */
import type { KubeObject } from "./kube_objects.ts";
import type { HostCertificate } from "./host_certificate.ts";
import type { ContainerLog, LogQuery } from "./container_logs.ts";

/** What it tells of. */
export interface KubeletFacts {
  /** Null when there is no such pod or container, or it never ran. */
  log(namespace: string, pod: string, container: string, isPrevious: boolean): ContainerLog | null;
  /** Why a container waits; null when it does not. */
  waitsFor(namespace: string, pod: string, container: string): string | null;
  metrics(namespace: string, pod: string): KubeObject | null;
}

/** Serves on a free port of this host; with a certificate by TLS, as a real API server wants it. */
export function serveKubelet(
  facts: KubeletFacts,
  certificate: HostCertificate | null,
): Deno.HttpServer<Deno.NetAddr> {
  const tls = certificate && { cert: certificate.cert, key: certificate.key };
  const options = { hostname: "127.0.0.1", port: 0, onListen() {}, ...tls };
  return Deno.serve(options, (request) => answer(facts, request));
}

const WAITING_WORDS: Record<string, string> = {
  ErrImagePull: "image can't be pulled",
  ImagePullBackOff: "trying and failing to pull image",
};

function answer(facts: KubeletFacts, request: Request): Response {
  const { pathname, searchParams } = new URL(request.url);
  const [, what, namespace = "", pod = "", container = ""] = pathname.split("/");
  if (what === "podMetrics") {
    const metrics = facts.metrics(namespace, pod);
    return metrics ? Response.json(metrics) : new Response("not found", { status: 404 });
  }
  if (what !== "containerLogs") return new Response("not found", { status: 404 });
  const isPrevious = searchParams.get("previous") === "true";
  const log = facts.log(namespace, pod, container, isPrevious);
  if (!log) {
    const which = `container "${container}" in pod "${pod}"`;
    const reason = facts.waitsFor(namespace, pod, container);
    const words = isPrevious
      ? `previous terminated ${which} not found`
      : reason === null
      ? `${which} is terminated`
      : `${which} is waiting to start: ${WAITING_WORDS[reason] ?? reason}`;
    return new Response(words, { status: 400 });
  }
  const body = log.read(logQuery(searchParams));
  return new Response(body, { headers: { "content-type": "text/plain" } });
}

function logQuery(query: URLSearchParams): LogQuery {
  const number = (name: string) => query.has(name) ? Number(query.get(name)) : null;
  const seconds = number("sinceSeconds");
  const since = query.get("sinceTime");
  return {
    follow: query.get("follow") === "true",
    timestamps: query.get("timestamps") === "true",
    tailLines: number("tailLines"),
    limitBytes: number("limitBytes"),
    sinceMs: since !== null
      ? Date.parse(since)
      : seconds !== null
      ? Date.now() - seconds * 1_000
      : null,
  };
}
