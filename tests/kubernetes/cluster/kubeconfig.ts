/** Reads and writes as much of a kubeconfig as test clusters need: one server, one token. */
import { parse } from "yaml";
import type { ApiAddress } from "./api_client.ts";

interface Kubeconfig {
  clusters: { cluster: { server: string; "certificate-authority-data"?: string } }[];
  users: { user: { token?: string } }[];
}

/** Of a file whose first cluster and user count. */
export async function readKubeconfig(path: string): Promise<ApiAddress> {
  const { clusters, users } = parse(await Deno.readTextFile(path)) as Kubeconfig;
  const [cluster, user] = [clusters[0]?.cluster, users[0]?.user];
  if (!cluster || !user?.token) throw new Error(`${path} names no server, or no token for it`);
  const authority = cluster["certificate-authority-data"];
  return {
    url: cluster.server,
    token: user.token,
    ...(authority ? { authority: atob(authority) } : {}),
  };
}

/** As the text of a file. */
export function kubeconfigText({ url, token, authority }: ApiAddress): string {
  const lines = [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    "- name: test",
    "  cluster:",
    `    server: ${url}`,
    // Clients refuse a server without TLS unless they are told not to verify it.
    ...(url.startsWith("http:") ? ["    insecure-skip-tls-verify: true"] : []),
    ...(authority ? [`    certificate-authority-data: ${btoa(authority)}`] : []),
    "users:",
    "- name: test",
    "  user:",
    `    token: ${token}`,
    "contexts:",
    "- name: test",
    "  context:",
    "    cluster: test",
    "    user: test",
    "current-context: test",
  ];
  return `${lines.join("\n")}\n`;
}
