/** Listens for the API on an address, and stops without cutting answers off. */
import type { Hono } from "hono";
import { OperationalError, reasonOf } from "../events/errors.ts";
import type { HttpEnv } from "./options.ts";

/** Where and how long to listen. */
export interface ListenOptions {
  hostname: string;
  /** 0: any free port. */
  port: number;
  /** Aborted to stop: no new connections; answers under way are finished. */
  signal: AbortSignal;
}

/** A server that listens. */
export interface HttpServer {
  hostname: string;
  port: number;
  /** For people and clients: a bind to every address is named by the loopback. */
  url: string;
  /** Resolves when the last answer is out after `signal` was aborted. */
  finished: Promise<void>;
}

/**
 * Serves `app`. Event streams end only with the app's own `closing` signal, so abort that one too.
 * @throws {OperationalError} `port_in_use`, `address_unavailable`
 */
export function serveHttp(app: Hono<HttpEnv>, options: ListenOptions): HttpServer {
  const { hostname, port, signal } = options;
  const server = listen(app, hostname, port);
  const stop = () => void server.shutdown();
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const bound = server.addr;
  return {
    hostname: bound.hostname,
    port: bound.port,
    url: `http://${nameOf(bound.hostname)}:${bound.port}`,
    finished: server.finished.finally(() => signal.removeEventListener("abort", stop)),
  };
}

function listen(
  app: Hono<HttpEnv>,
  hostname: string,
  port: number,
): Deno.HttpServer<Deno.NetAddr> {
  try {
    return Deno.serve(
      { hostname, port, onListen: () => {} },
      (request, info) => app.fetch(request, info),
    );
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) {
      throw new OperationalError(
        "port_in_use",
        `Port ${port} on ${hostname} is in use by another program.`,
        true,
        "Stop that program, or choose another port with DRAAS_PORT (0: any free one).",
        { cause: error },
      );
    }
    throw new OperationalError(
      "address_unavailable",
      `Cannot listen on ${hostname}:${port}: ${reasonOf(error)}.`,
      false,
      "Choose an address of this host with DRAAS_HOST, and a port above 1023 with DRAAS_PORT.",
      { cause: error },
    );
  }
}

function nameOf(hostname: string): string {
  if (hostname === "0.0.0.0" || hostname === "::") return "127.0.0.1";
  return hostname.includes(":") ? `[${hostname}]` : hostname;
}
