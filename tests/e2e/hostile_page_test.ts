/** A hostile page in a real browser, on the machine of a control plane without a token: all that it tries is refused. */
import { assert, assertEquals } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { apiOptions } from "../http/support/api_world.ts";
import { scriptedSystem, stateAfter } from "../http/support/scripted_system.ts";
import { until } from "../http/support/until.ts";
import { testWith } from "../support/tools.ts";

const LIMIT_MS = 60_000;
const SECRET = "what-no-page-may-read";
const START = "/api/server/instances/i-1/start";
const done = {
  kind: "done",
  changed: true,
  state: stateAfter(),
  position: "1-0",
  event: null,
} as const;

/** One request that reached the control plane. */
interface Attempt {
  method: string;
  /** `?by=` of its address: how the page tried. */
  by: string;
  status: number;
}

/** What the page does, at the address of the control plane and at a name that was made to point there. */
function pageOf(target: string, rebound: string): string {
  return `<!doctype html><title>hostile</title><body><script>
const read = [];
const note = (by) => (text) => { if (text) read.push(by + ": " + text); };
const text = (by, response) => response.text().then(note(by), () => {});
const ask = (by, url, init) => fetch(url + "?by=" + by, init).then((one) => text(by, one), () => {});
const json = { method: "POST", headers: { "content-type": "application/json" }, body: "{}" };
const plain = { method: "POST", mode: "no-cors", headers: { "content-type": "text/plain" }, body: "{}" };
const loaded = (tag, by, url, at = "src") => new Promise((resolve) => {
  const one = document.createElement(tag);
  one.onload = one.onerror = resolve;
  one[at] = url + "?by=" + by;
  if (tag === "link") one.rel = "stylesheet";
  document.body.append(one);
});
const streamed = (by, url) => new Promise((resolve) => {
  const source = new EventSource(url + "?by=" + by);
  source.onopen = () => { note(by)("open"); source.close(); resolve(); };
  source.onerror = () => { source.close(); resolve(); };
});
const submitted = (by, url) => new Promise((resolve) => {
  const frame = document.createElement("iframe");
  frame.name = by;
  document.body.append(frame);
  frame.onload = resolve;
  const form = document.createElement("form");
  Object.assign(form, { method: "POST", enctype: "text/plain", action: url + "?by=" + by, target: by });
  document.body.append(form);
  form.submit();
});
(async () => {
  for (const [name, at] of [["", "${target}"], ["rebound-", "${rebound}"]]) {
    const list = at + "/api/server/instances", start = at + "${START}";
    await ask(name + "fetch", list);
    await ask(name + "blind-fetch", list, { mode: "no-cors" });
    await ask(name + "json", start, json);
    await ask(name + "plain", start, plain);
    await ask(name + "delete", at + "/api/server/instances/i-1", { method: "DELETE" });
    navigator.sendBeacon(start + "?by=" + name + "beacon", "{}");
    await streamed(name + "stream", at + "/api/events");
    await loaded("img", name + "image", list);
    await loaded("script", name + "script", list);
    await loaded("link", name + "style", list, "href");
    await loaded("iframe", name + "frame", list);
    await submitted(name + "form", start);
  }
  await fetch("/report", { method: "POST", body: JSON.stringify(read) });
})();
</script>`;
}

const KINDS = ["fetch", "blind-fetch", "json", "plain", "delete", "beacon", "stream"]
  .concat(["image", "script", "style", "frame", "form"]);

/** Opens a page in a browser for which every name is this machine; ends it when `work` is over. */
async function browsing(url: string, work: Promise<unknown>): Promise<void> {
  const profile = await Deno.makeTempDir({ prefix: "draas-browser-" });
  const browser = new Deno.Command("chromium", {
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-dev-shm-usage",
      "--no-first-run",
      `--user-data-dir=${profile}`,
      "--host-resolver-rules=MAP *.example 127.0.0.1",
      "--remote-debugging-port=0",
      url,
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no report within ${LIMIT_MS} ms`)), LIMIT_MS);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    browser.kill("SIGTERM");
    await browser.status;
    await Deno.remove(profile, { recursive: true }).catch(
      () => {/* Its last child writes still. */},
    );
  }
}

testWith(
  ["chromium"],
  "a hostile page in a browser reads nothing, changes nothing, and is refused each time",
  async () => {
    const system = scriptedSystem(done, {
      list: () => Promise.reject(new Error(SECRET)),
    });
    const app = createHttpApp(apiOptions(system));
    const attempts: Attempt[] = [];
    const target = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      async (request) => {
        const response = await app.fetch(request);
        const by = new URL(request.url).searchParams.get("by") ?? "";
        attempts.push({ method: request.method, by, status: response.status });
        return response;
      },
    );
    const port = target.addr.port;
    const reported = Promise.withResolvers<string[]>();
    const site = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
      if (new URL(request.url).pathname === "/report") reported.resolve(await request.json());
      const page = pageOf(`http://127.0.0.1:${port}`, `http://rebound.example:${port}`);
      return new Response(page, { headers: { "content-type": "text/html" } });
    });
    try {
      await browsing(`http://hostile.example:${site.addr.port}/`, reported.promise);
      assertEquals(await reported.promise, [], "what the page could read");
      assertEquals(system.asked, [], "what it changed");
      const missing = () => {
        const tried = new Set(attempts.map(({ by }) => by));
        return KINDS.flatMap((kind) => [kind, `rebound-${kind}`]).filter((one) => !tried.has(one));
      };
      // A beacon is sent when the browser has nothing better to do.
      await until(`what it tries: ${missing()}`, () => missing().length === 0);
      const answered = attempts.filter(({ status }) => status !== 403);
      assertEquals(answered, [], "what was not refused");
      assert(
        attempts.some(({ method }) => method === "OPTIONS"),
        "it asked before, as pages have to",
      );
    } finally {
      await Promise.all([target.shutdown(), site.shutdown()]);
    }
  },
);
