/**
 * The production function library of Redis run as JavaScript, for a simulated Redis: deterministic, fast, the same text.
 * All texts of the simulation are ASCII, so a JavaScript string stands for Lua's bytes and its length for theirs.
 */
import type { Reply } from "../reply.ts";
import { type Host, type Registered, runtime } from "./lua_builtins.ts";
import { compileLua } from "./lua_compiler.ts";
import { first, LuaError, LuaTable } from "./lua_values.ts";
import { errorOf, toReply } from "./redis_values.ts";

/** A compiled library; it holds nothing between two calls, so that any number of simulated servers share it. */
export interface LuaLibrary {
  name: string;
  functions: ReadonlyMap<string, LuaFunction>;
}

/** A function of a library. */
export interface LuaFunction {
  /** As registered: `no-writes`, `allow-oom`. Whoever calls the function holds it to them. */
  flags: ReadonlySet<string>;
  /**
   * Runs it; `call` does its commands.
   * @throws {ReplyError} what the function answers instead of a reply; a command's own error is passed on as it is
   */
  run(
    call: (words: string[]) => Reply,
    keys: readonly string[],
    args: readonly string[],
  ): Reply;
}

const compiled = new Map<string, LuaLibrary>();

/**
 * Compiles a library's text (with its `#!lua name=…` line), once per text.
 * @throws an `Error` that names the line of what is no Lua 5.1, or of what this compiler does not support
 */
export function compileLibrary(text: string): LuaLibrary {
  let library = compiled.get(text);
  if (library === undefined) {
    library = load(text);
    compiled.set(text, library);
  }
  return library;
}

function load(text: string): LuaLibrary {
  const name = /^#!lua name=(\w+)[^\n]*/.exec(text);
  if (!name?.[1]) throw new Error("line 1: a library begins with `#!lua name=…`");
  const host: Host = { call: null, registered: [] };
  const known = runtime(host);
  // The first line stays, empty, so that the others keep their numbers.
  const source = compileLua(text.slice(name[0].length), Object.keys(known));
  new Function("L", source)(known);
  return {
    name: name[1],
    functions: new Map(host.registered.map((one) => [one.name, functionOf(host, one)])),
  };
}

function functionOf(host: Host, { callback, flags }: Registered): LuaFunction {
  return {
    flags,
    run(call, keys, args) {
      host.call = call;
      try {
        return toReply(first(callback(new LuaTable([...keys]), new LuaTable([...args]))));
      } catch (error) {
        if (error instanceof LuaError) throw errorOf(error.value);
        throw error;
      } finally {
        host.call = null;
      }
    },
  };
}
