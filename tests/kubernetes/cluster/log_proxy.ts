/** A pod's log: the server has none of its own and asks the pod's kubelet. */
import type { Pod } from "./kube_objects.ts";
import type { ObjectStore } from "./object_store.ts";
import type { Target } from "./request_path.ts";
import { resourceNamed } from "./resources.ts";
import { ApiError, badRequest, notFound } from "./status_errors.ts";

/** The answer to `GET …/pods/NAME/log`. */
export async function readPodLog(
  store: ObjectStore,
  { resource, namespace, name }: Target,
  query: URLSearchParams,
): Promise<Response> {
  const pod = store.get(resource, namespace, name) as Pod | null;
  if (!pod) throw notFound(resource, name);
  const names = pod.spec.containers.map((container) => container.name);
  const container = query.get("container") ?? names[0] ?? "";
  if (!names.includes(container)) {
    throw badRequest(`container ${container} is not valid for pod ${name}`);
  }
  const base = kubeletUrl(store, pod.spec.nodeName ?? "");
  // A pod that has no node yet has no log yet.
  if (base === null) return new Response(null, { status: 204 });
  const asked = new URLSearchParams(query);
  asked.delete("container");
  const url = `${base}/containerLogs/${namespace}/${name}/${container}?${asked}`;
  const answer = await fetch(url).catch((error: Error) => {
    throw new ApiError(500, "InternalError", `Get "${url}": ${error.message}`);
  });
  if (answer.ok) {
    return new Response(answer.body, { headers: { "content-type": "text/plain" } });
  }
  throw badRequest((await answer.text()).trim());
}

/** Where a node's kubelet answers; null for a node that isn't there. */
export function kubeletUrl(store: ObjectStore, nodeName: string): string | null {
  const node = store.get(resourceNamed("nodes"), "", nodeName);
  const status = node?.status as {
    addresses?: { type: string; address: string }[];
    daemonEndpoints?: { kubeletEndpoint?: { Port: number } };
  } | undefined;
  const address = status?.addresses?.find(({ type }) => type === "InternalIP")?.address;
  const port = status?.daemonEndpoints?.kubeletEndpoint?.Port;
  return address && port ? `http://${address}:${port}` : null;
}
