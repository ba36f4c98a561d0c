/** The fleet's door over both of its ways: the app in this process, and a server on a socket. */
import { hostIds, hostRandomness } from "../../adapters/host/host_chance.ts";
import { hostClock } from "../../adapters/host/host_clock.ts";
import type { RemoteOptions } from "../../http/client/remote_call.ts";
import { RemoteSystem } from "../../http/client/remote_system.ts";
import { createHttpApp } from "../../http/app.ts";
import { serveHttp } from "../../http/server.ts";
import { fleetPortContract, type WithFleet } from "../contracts/fleet_port_contract.ts";
import { apiOptions, withApi } from "./support/api_world.ts";

function fleetAt(url: string, fetch: RemoteOptions["fetch"]): RemoteSystem {
  const options = { token: null, clock: hostClock, ids: hostIds, randomness: hostRandomness };
  return new RemoteSystem({ ...options, url, fetch });
}

fleetPortContract("in this process", inThisProcess);
fleetPortContract("over HTTP", overHttp);

/** Without a network; what is away is simulated by streams that break and calls that are refused. */
function inThisProcess(test: Parameters<WithFleet>[0]): Promise<void> {
  return withApi(async ({ app, platform, startWorker }) => {
    let away: AbortController | null = null;
    let leaving = new AbortController();
    const fetch = async (request: Request) => {
      if (away) throw new TypeError("client error (Connect): connection refused");
      const response = await app.fetch(request);
      const body = response.body?.pipeThrough(new TransformStream(), { signal: leaving.signal });
      return new Response(body ?? null, response);
    };
    await test({
      fleet: fleetAt("http://127.0.0.1:4700", fetch),
      platform,
      startWorker,
      goAway: () => {
        away = leaving;
        leaving.abort(new Error("connection reset"));
        leaving = new AbortController();
        return Promise.resolve();
      },
      comeBack: () => {
        away = null;
        return Promise.resolve();
      },
    });
  });
}

/** A server on a port of its own, which ends and begins again on the same one. */
function overHttp(test: Parameters<WithFleet>[0]): Promise<void> {
  return withApi(async ({ system, platform, startWorker }) => {
    const begin = (port: number) => {
      const ending = new AbortController();
      const { signal } = ending;
      const app = createHttpApp({ ...apiOptions(system), closing: signal });
      const server = serveHttp(app, { hostname: "127.0.0.1", port, signal });
      return {
        ...server,
        end: async () => {
          ending.abort();
          await server.finished;
        },
      };
    };
    let life = begin(0);
    const { url, port } = life;
    try {
      await test({
        fleet: fleetAt(url, (request) => fetch(request)),
        platform,
        startWorker,
        goAway: () => life.end(),
        comeBack: () => {
          life = begin(port);
          return Promise.resolve();
        },
      });
    } finally {
      await life.end();
    }
  });
}
