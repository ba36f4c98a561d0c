/** The page that shows the API: what it may do, and what it is made of. Design §6, security headers. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { createHttpApp } from "../../http/app.ts";
import { apiClient } from "./support/api_client.ts";
import { apiOptions } from "./support/api_options.ts";
import { scriptedSystem } from "./support/scripted_system.ts";
import { bookOf } from "./support/tokens.ts";

const call = apiClient(
  createHttpApp({ ...apiOptions(scriptedSystem(null)), tokens: bookOf("secret", "admin") }),
);

Deno.test("the page runs one program, of this server, and asks nobody else", async () => {
  const { status, headers, text } = await call("GET /docs");
  assertEquals([status, headers.get("content-type")], [200, "text/html; charset=utf-8"]);
  assertEquals(headers.get("content-security-policy")?.split("; "), [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  const others = [
    "x-content-type-options",
    "x-frame-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
  ].map((name) => headers.get(name));
  assertEquals(others, ["nosniff", "DENY", "no-referrer", "same-origin", "same-origin"]);
  const addresses = [...text.matchAll(/(?:src|href|data-url)="([^"]*)"/g)].map(([, one]) => one);
  assertEquals(addresses, ["/openapi.json", "/openapi.json", "/docs/scalar.js"]);
});

Deno.test("the page's program comes from this server, once", async () => {
  const first = await call("GET /docs/scalar.js");
  assertEquals([first.status, first.headers.get("content-type")], [200, "text/javascript"]);
  assertMatch(first.text, /createApiReference/);
  assert(first.text.length > 1_000_000, `${first.text.length} characters`);
  const etag = first.headers.get("etag")!;
  const again = await call("GET /docs/scalar.js", { headers: { "if-none-match": etag } });
  assertEquals([again.status, again.text, again.headers.get("etag")], [304, "", etag]);
});
