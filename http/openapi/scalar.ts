/**
 * Scalar's API reference, a program for browsers, out of the npm package that carries it whole: its plugin for Fastify.
 * `@scalar/api-reference` itself would bring 200 packages that only its build needs, and does not export the program.
 */
import { sha256Hex } from "../sha256.ts";

/** A program for browsers, and what names its content. */
export interface BrowserProgram {
  bytes: Uint8Array<ArrayBuffer>;
  /** As in the header `ETag`. */
  etag: string;
}

/** A route as the plugin registers it. */
interface PluginRoute {
  url: string;
  handler(request: unknown, reply: PluginReply): unknown;
}

interface PluginReply {
  header(name: string, value: string): PluginReply;
  send(body: unknown): unknown;
}

/** What the plugin asks of Fastify. */
interface PluginHost {
  route(route: PluginRoute): void;
}

type Plugin = (host: PluginHost, options: object, done: () => void) => void;

/**
 * Loads the program: 5 MB, and for some tenths of a second nothing else is done. As a module of the program's own graph
 * it needs no permission to read, and is on the disk since the first start.
 */
export async function scalarProgram(): Promise<BrowserProgram> {
  const { default: plugin } = await import("@scalar/fastify-api-reference");
  const routes: PluginRoute[] = [];
  const host: PluginHost = { route: (route) => void routes.push(route) };
  // Its types are those of Fastify, of which it needs no more than this.
  const register = plugin as unknown as Plugin;
  register(host, { routePrefix: "/docs", configuration: { url: "/openapi.json" } }, () => {});
  const route = routes.find(({ url }) => url.endsWith(".js"));
  if (!route) throw new Error("Scalar's plugin has no route of its program");
  let text = "";
  const reply: PluginReply = { header: () => reply, send: (body) => text = String(body) };
  route.handler(null, reply);
  return {
    bytes: new TextEncoder().encode(text),
    etag: `"${(await sha256Hex(text)).slice(0, 32)}"`,
  };
}
