/** The page that shows the API, in a real browser that reaches nothing but the program. */
import { assertEquals } from "@std/assert";
import { testWith } from "../support/tools.ts";
import { withProgram } from "./program.ts";

/** What a browser says of what its page may not do, or asks for in vain, and the page of what it cannot show. */
const COMPLAINTS = /Content Security Policy|ERR_|Failed|\bWARN\b|Error/;
const METHODS = ["get", "post", "put", "patch", "delete"];

interface Shown {
  text: string;
  /** What the page, or the browser about it, wrote to the console. */
  console: string[];
}

testWith(
  ["chromium"],
  "a browser without a network shows every route of the API",
  () =>
    withProgram(async ({ url, call }) => {
      const page = await shownBy(`${url}/docs`);
      const { json } = await call("GET /openapi.json");
      const operations = Object.entries<Record<string, { summary: string }>>(json.paths)
        .flatMap(([path, item]) =>
          METHODS.filter((method) => method in item).map((method) => [path, item[method]!.summary])
        );
      assertEquals(
        operations.filter((words) => !words.every((word) => page.text.includes(word!))),
        [],
        `each is there by its path and its title: ${page.console.join("\n")}`,
      );
      assertEquals(
        page.console.filter((line) => COMPLAINTS.test(line)),
        [],
        "nothing was refused by the page's policy, and nothing was asked for in vain",
      );
    }),
);

/** The page's text once it has come to rest. */
async function shownBy(address: string): Promise<Shown> {
  const profile = await Deno.makeTempDir({ prefix: "draas-browser-" });
  try {
    const { stdout, stderr } = await new Deno.Command("chromium", {
      args: [
        "--headless=new",
        // Of a page of our own; it cannot be had as root.
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--no-first-run",
        `--user-data-dir=${profile}`,
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--enable-logging=stderr",
        "--virtual-time-budget=60000",
        "--dump-dom",
        address,
      ],
      stdin: "null",
    }).output();
    const log = new TextDecoder().decode(stderr);
    return {
      text: textOf(new TextDecoder().decode(stdout)),
      console: log.split("\n").filter((line) => line.includes(":CONSOLE")),
    };
  } finally {
    await Deno.remove(profile, { recursive: true });
  }
}

function textOf(page: string): string {
  return page.replace(/<(style|script)\b[\s\S]*?<\/\1>/g, "").replace(/<[^>]*>/g, "")
    .replaceAll("&amp;", "&").replaceAll("&nbsp;", " ").replace(/\s+/g, " ");
}
