/** Secrets of a test's host: a file each, which only its owner may read. */
import type { SiteTools } from "./platform_contract.ts";

export function secretsIn({ secretsFolder }: { secretsFolder: string }): SiteTools {
  return {
    keepSecret: (name, value) =>
      Deno.writeTextFile(`${secretsFolder}/${name}`, value, { mode: 0o600 }),
  };
}
