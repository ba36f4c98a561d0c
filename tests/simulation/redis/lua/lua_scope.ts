/** Which variable a name means while a Lua text is compiled, and what is known of it. */
import type { Identifier } from "./lua_syntax.ts";

/** A local variable of the text. */
export interface Binding {
  /** Its name in JavaScript, which no other variable has. */
  js: string;
  /** How many functions enclose its declaration; 0 for a variable of the library itself. */
  depth: number;
  /** What a `local function` gives; `no` for any other variable. */
  calls: "no" | "one" | "many";
  isAssigned: boolean;
}

/** The scopes that are open, innermost last. */
export class Scopes {
  depth = 0;
  readonly #open: Map<string, Binding>[] = [new Map()];
  readonly #all: Binding[] = [];

  /** Runs `work` in a scope of its own. */
  within<T>(work: () => T): T {
    this.#open.push(new Map());
    const result = work();
    this.#open.pop();
    return result;
  }

  declare(name: string, calls: Binding["calls"] = "no"): Binding {
    const js = `${name}$${this.#all.length}`;
    const binding: Binding = { js, depth: this.depth, calls, isAssigned: false };
    this.#all.push(binding);
    this.#open.at(-1)?.set(name, binding);
    return binding;
  }

  find(identifier: Identifier): Binding | null {
    for (let at = this.#open.length - 1; at >= 0; at--) {
      const binding = this.#open[at]?.get(identifier.name);
      if (binding) return binding;
    }
    return null;
  }

  /** The word that declares a variable: known only when all of its scope was read, so it is put in at the end. */
  keyword(binding: Binding): string {
    return `§${binding.js}§`;
  }

  /** `source` with its keywords: constants are faster than what may change. */
  withKeywords(source: string): string {
    const assigned = new Set(this.#all.filter((one) => one.isAssigned).map((one) => one.js));
    return source.replace(/§([\w$]+)§/g, (_, js: string) => assigned.has(js) ? "let" : "const");
  }
}
