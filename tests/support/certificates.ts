/** An authority for tests, and certificates of this host that it signed; by openssl. */

/** Makes `ca.pem`, and of each name `NAME.pem` with `NAME.key`, in `folder`. */
export async function makeCertificates(folder: string, names: readonly string[]): Promise<void> {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const own = ["-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem"];
  await openssl(folder, ["req", "-x509", ...key, ...own]);
  for (const name of names) {
    await openssl(folder, [
      "req",
      "-x509",
      ...key,
      ...["-subj", "/CN=localhost", "-CA", "ca.pem", "-CAkey", "ca.key"],
      ...["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
      ...["-addext", "basicConstraints=critical,CA:FALSE"],
      ...["-keyout", `${name}.key`, "-out", `${name}.pem`],
    ]);
  }
}

async function openssl(folder: string, args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command("openssl", {
    args,
    cwd: folder,
    stdin: "null",
  }).output();
  if (!success) throw new Error(`openssl ${args[0]}: ${new TextDecoder().decode(stderr)}`);
}
