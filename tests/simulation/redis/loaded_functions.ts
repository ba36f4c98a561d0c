/** The function libraries that a modelled Redis has: FUNCTION LOAD, and what FCALL finds. */
import { compileLibrary, type LuaFunction, type LuaLibrary } from "./lua/lua_library.ts";
import { type Reply, ReplyError, type Word } from "./reply.ts";

export class LoadedFunctions {
  private libraries = new Map<string, LuaLibrary>();
  private functions = new Map<string, LuaFunction>();

  /** What a server comes back with that loses its unsynced end. */
  clone(): LoadedFunctions {
    const copy = new LoadedFunctions();
    copy.libraries = new Map(this.libraries);
    copy.functions = new Map(this.functions);
    return copy;
  }

  /** @throws {ReplyError} the function is not there */
  find(name: Word): LuaFunction {
    const found = this.functions.get(name as string);
    if (!found) throw new ReplyError("ERR Function not found");
    return found;
  }

  /** Null for a function that is not there. */
  flagsOf(name: Word): ReadonlySet<string> | null {
    return this.functions.get(name as string)?.flags ?? null;
  }

  /** `FUNCTION LOAD [REPLACE] text` and `FUNCTION FLUSH`. */
  command(words: readonly Word[]): Reply {
    const [, step, ...rest] = words as string[];
    switch (step?.toUpperCase()) {
      case "LOAD":
        return this.load(rest.at(-1)!, rest[0]!.toUpperCase() === "REPLACE");
      case "FLUSH":
        this.clear();
        return "OK";
      default:
        throw new Error(`FUNCTION ${step} is not modelled`);
    }
  }

  clear(): void {
    this.libraries.clear();
    this.functions.clear();
  }

  private load(text: string, replaces: boolean): string {
    const library = compileLibrary(text);
    const former = this.libraries.get(library.name);
    if (former && !replaces) {
      throw new ReplyError(`ERR Library '${library.name}' already exists`);
    }
    for (const name of former?.functions.keys() ?? []) this.functions.delete(name);
    for (const name of library.functions.keys()) {
      if (this.functions.has(name)) throw new ReplyError(`ERR Function ${name} already exists`);
    }
    for (const [name, run] of library.functions) this.functions.set(name, run);
    this.libraries.set(library.name, library);
    return library.name;
  }
}
