/** An image that holds the stand-in for drasi-server, laid out as the product's: made without a registry. */
import type { DockerDaemon } from "../support/docker_daemon.ts";
import { librariesOf, said } from "../deploy/offline_images.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
/** Where the stand-in is in it. */
const PLACE = "opt/stand-in";
const USER = "drasi:x:999:999::/app:/bin/sh";

/** A source of this id fails; the others run. */
export const BROKEN_SOURCE = "broken";

/** Makes it under `name`. Its user is a name, its working folder belongs to that, and there is nothing below. */
export async function makeDrasiImage(daemon: DockerDaemon, name: string): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "draas-drasi-image-" });
  try {
    await fill(root);
    const tar = `${root}.tar`;
    await said("tar", "-C", root, "-cf", tar, ".");
    const changes = [
      'ENTRYPOINT ["drasi-server"]',
      'CMD ["--config","/app/config/server.yaml"]',
      "ENV PATH=/usr/local/bin:/usr/bin:/bin DENO_DIR=/tmp/deno DENO_NO_UPDATE_CHECK=1",
      "WORKDIR /app",
      "USER drasi",
    ].flatMap((change) => ["--change", change]);
    await daemon.docker("import", ...changes, tar, name);
    await Deno.remove(tar);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

async function fill(root: string): Promise<void> {
  for (const folder of ["bin", "etc", "tmp", "app", "usr/local/bin", "usr/bin", `${PLACE}/yaml`]) {
    await Deno.mkdir(`${root}/${folder}`, { recursive: true });
  }
  await Deno.chmod(`${root}/tmp`, 0o777);
  await Deno.chown(`${root}/app`, 999, 999);
  await Deno.writeTextFile(`${root}/etc/passwd`, `root:x:0:0::/:/bin/sh\n${USER}\n`);
  await Deno.copyFile((await said("which", "busybox")).trim(), `${root}/bin/busybox`);
  await Deno.symlink("busybox", `${root}/bin/sh`);
  await Deno.copyFile(Deno.execPath(), `${root}/usr/bin/deno`);
  for (const library of await librariesOf(Deno.execPath())) {
    await Deno.mkdir(`${root}/${library}`.replace(/\/[^/]*$/, ""), { recursive: true });
    await Deno.copyFile(`/${library}`, `${root}/${library}`);
  }
  const sources = ["workers/templates/stand_in", "events"];
  await said("cp", "-r", "--parents", "-t", `${root}/${PLACE}`, ...sources);
  // Its modules for browsers are files alone, without a package around them.
  await said("cp", "-r", `${await yamlFolder()}/browser`, `${root}/${PLACE}/yaml`);
  const imports = { yaml: "./yaml/browser/index.js" };
  await Deno.writeTextFile(`${root}/${PLACE}/deno.json`, JSON.stringify({ imports }));
  const entry = `/${PLACE}/workers/templates/stand_in/main.ts`;
  const options = `--stand-in-kinds source/mock --stand-in-fault source-error=${BROKEN_SOURCE}`;
  const run = `exec deno run --allow-all --no-check --no-lock ${entry} ${options}`;
  await Deno.writeTextFile(`${root}/usr/local/bin/drasi-server`, `#!/bin/sh\n${run} "$@"\n`, {
    mode: 0o755,
  });
}

async function yamlFolder(): Promise<string> {
  const { denoDir } = JSON.parse(await said(Deno.execPath(), "info", "--json"));
  const { npm } = JSON.parse(await Deno.readTextFile(`${ROOT}deno.lock`));
  const key = Object.keys(npm).find((name) => name.startsWith("yaml@"))!;
  return `${denoDir}/npm/registry.npmjs.org/yaml/${key.replace("yaml@", "")}`;
}
