/** A certificate for servers of this host: a real API server speaks to kubelets by TLS alone. */
import { makeCertificates } from "../../support/certificates.ts";

/** Key, certificate and the authority that signed it, as PEM. */
export interface HostCertificate {
  authority: string;
  cert: string;
  key: string;
}

let made: Promise<HostCertificate> | null = null;

/** One for all servers of this process. */
export function hostCertificate(): Promise<HostCertificate> {
  return made ??= makeOne();
}

async function makeOne(): Promise<HostCertificate> {
  const folder = await Deno.makeTempDir({ prefix: "draas-node-" });
  try {
    await makeCertificates(folder, ["host"]);
    const read = (name: string) => Deno.readTextFile(`${folder}/${name}`);
    return {
      authority: await read("ca.pem"),
      cert: await read("host.pem"),
      key: await read("host.key"),
    };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
