/** A page of output as it may be told: without the secrets that its server was given. Design promise 11. */
import type { LogPage } from "../../../events/server_output.ts";
import type { InstanceFolder } from "../instance_folder.ts";

/**
 * The page with the secrets of the instance's runs hidden, line by line: a follower's page may begin within one, and of
 * one that spans lines each long line is hidden by itself.
 */
export async function withoutSecrets(folder: InstanceFolder, page: LogPage): Promise<LogPage> {
  if (page.lines.length === 0) return page;
  const run = await folder.readRun();
  const secrets = (run && await folder.readLaunch(run.runId))?.secrets ?? [];
  if (secrets.length === 0) return page;
  const mask = await folder.masker(secrets);
  return { ...page, lines: page.lines.map((line) => ({ ...line, text: mask(line.text) })) };
}
