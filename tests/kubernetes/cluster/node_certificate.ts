/** The certificate of a node's own server: a real API server speaks to kubelets by TLS alone. */
import { makeCertificates } from "../../support/certificates.ts";
import type { Certificate } from "./kubelet_endpoint.ts";

let made: Promise<Certificate> | null = null;

/** One for all nodes of this process. */
export function nodeCertificate(): Promise<Certificate> {
  return made ??= makeOne();
}

async function makeOne(): Promise<Certificate> {
  const folder = await Deno.makeTempDir({ prefix: "draas-node-" });
  try {
    await makeCertificates(folder, ["node"]);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    return { cert: await read("node.pem"), key: await read("node.key") };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
