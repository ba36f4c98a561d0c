/**
 * Tells another server of what happens in the fleet: each event of the log is POSTed to it, in the log's order, at
 * least once. Where it was is kept in a file, so that it goes on there after any break.
 *
 *     DRAAS_URL=http://127.0.0.1:4700 DRAAS_TOKEN=… node webhook.mjs https://other.example/hook place.txt
 *
 * Its reader knows an event that comes twice by the header `draas-event-id`.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import process from "node:process";

const [target, placeFile] = process.argv.slice(2);
const { DRAAS_URL = "http://127.0.0.1:4700", DRAAS_TOKEN } = process.env;
const PAUSE_MS = 1_000;

if (target === undefined || placeFile === undefined) {
  process.stderr.write("usage: node webhook.mjs URL PLACE_FILE\n");
  process.exit(2);
}

let place = (await readFile(placeFile, "utf8").catch(() => "")).trim();
for (;;) {
  try {
    await follow();
  } catch (error) {
    process.stderr.write(`${error.message}; again in a second\n`);
  }
  await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** Reads the log on from `place` until the stream breaks. */
async function follow() {
  const answer = await fetch(`${DRAAS_URL}/api/events${place === "" ? "?after=0-0" : ""}`, {
    headers: {
      accept: "application/x-ndjson",
      ...(DRAAS_TOKEN ? { authorization: `Bearer ${DRAAS_TOKEN}` } : {}),
      ...(place === "" ? {} : { "last-event-id": place }),
    },
  });
  if (!answer.ok) throw new Error(`the fleet's log: ${answer.status} ${await answer.text()}`);
  let text = "";
  for await (const part of answer.body.pipeThrough(new TextDecoderStream())) {
    text += part;
    for (let end; (end = text.indexOf("\n")) >= 0; text = text.slice(end + 1)) {
      if (end > 0) await take(JSON.parse(text.slice(0, end)));
    }
  }
}

/** What the stream says of itself has no position: only events are told on. */
async function take({ id, data }) {
  if (data?.position !== undefined && data.instanceId !== undefined) await tell(id, data);
  if (id === undefined || id === place) return;
  place = id;
  await writeFile(`${placeFile}.new`, place);
  await rename(`${placeFile}.new`, placeFile);
}

async function tell(id, event) {
  const answer = await fetch(target, {
    method: "POST",
    headers: { "content-type": "application/json", "draas-event-id": id },
    body: JSON.stringify(event),
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new Error(`${target} answered ${answer.status}`);
}
