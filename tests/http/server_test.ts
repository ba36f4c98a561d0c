/** The API on a real socket: where it listens, what it does when it cannot, and how it stops. */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { OperationalError } from "../../events/errors.ts";
import { createHttpApp } from "../../http/app.ts";
import type { HttpOptions } from "../../http/options.ts";
import { serveHttp } from "../../http/server.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { apiOptions } from "./support/api_world.ts";
import { EventReader } from "./support/event_reader.ts";
import { scriptedSystem } from "./support/scripted_system.ts";

/** Listens on a free port for as long as `test` runs. */
async function withServer(
  test: (url: string, port: number, stopping: AbortController) => Promise<void>,
  changed: Partial<HttpOptions> = {},
): Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const options = { ...apiOptions(scriptedSystem(null)), closing: signal, ...changed };
  const app = createHttpApp(options);
  const server = serveHttp(app, { hostname: "127.0.0.1", port: 0, signal });
  try {
    await test(server.url, server.port, stopping);
  } finally {
    stopping.abort();
    await server.finished;
  }
}

Deno.test("a server tells the address that it was given", () =>
  withServer(async (url, port) => {
    assert(port > 0);
    assertEquals(url, `http://127.0.0.1:${port}`);
    const response = await fetch(`${url}/healthz`);
    assertEquals((await response.json()).status, "alive");
  }));

Deno.test("a port that is taken is an error that names it and says what to do", () =>
  withServer(async (_url, port) => {
    const app = createHttpApp(apiOptions(scriptedSystem(null)));
    const { signal } = new AbortController();
    const listen = () => serveHttp(app, { hostname: "127.0.0.1", port, signal });
    const error = assertThrows(listen, OperationalError, `Port ${port} on 127.0.0.1 is in use`);
    assertEquals([error.code, error.hint.includes("DRAAS_PORT")], ["port_in_use", true]);
  }));

Deno.test("an address of another host is an error of its own", () => {
  const app = createHttpApp(apiOptions(scriptedSystem(null)));
  const { signal } = new AbortController();
  const listen = () => serveHttp(app, { hostname: "192.0.2.1", port: 0, signal });
  assertEquals(assertThrows(listen, OperationalError).code, "address_unavailable");
});

Deno.test("a client that sends 10 MiB reads the 413, and the next request is served", () =>
  withServer(async (url) => {
    const response = await fetch(`${url}/api/server/instances`, {
      method: "POST",
      body: new Uint8Array(10 << 20),
      headers: { "content-type": "application/json" },
    });
    assertEquals([response.status, (await response.json()).code], [413, "body_too_large"]);
    assertEquals((await (await fetch(`${url}/healthz`)).json()).status, "alive");
  }));

Deno.test("a caller without a token is known by its address", () =>
  withServer(async (url) => {
    const statuses = [];
    for (let count = 0; count < 3; count++) {
      const response = await fetch(`${url}/api/workers`);
      await response.body?.cancel();
      statuses.push(response.status);
    }
    assertEquals(statuses, [200, 200, 429]);
  }, { clock: new ManualClock(), rates: { readsPerSecond: 1, changesPerSecond: 1 } }));

Deno.test("a client that breaks off its stream is noticed", () =>
  withServer(async (url) => {
    const breaking = new AbortController();
    const response = await fetch(`${url}/api/events`, { signal: breaking.signal });
    const reader = new EventReader(response);
    await reader.take(1);
    await reader.close();
    breaking.abort();
  }));

Deno.test("a stop ends open streams and does not wait for them", () =>
  withServer(async (url, _port, stopping) => {
    const reader = new EventReader(await fetch(`${url}/api/events`));
    await reader.take(1);
    stopping.abort();
    assertEquals(await reader.next(), null);
  }));
