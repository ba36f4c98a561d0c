/** Compiles Lua's statements to JavaScript; `lua_expressions.ts` does the expressions. */
import { Expressions } from "./lua_expressions.ts";
import { Scopes } from "./lua_scope.ts";
import {
  type Expression,
  type FunctionNode,
  parseLua,
  refusal,
  type Statement,
} from "./lua_syntax.ts";

/** The body of a function of the runtime (`L`, see `lua_builtins.ts`) that does what the Lua text does. */
export function compileLua(text: string, runtimeNames: readonly string[]): string {
  const source = new Compiler().chunk(parseLua(text));
  return `"use strict"; const { ${runtimeNames.join(", ")} } = L;\n${source}`;
}

class Compiler {
  readonly #scopes = new Scopes();
  readonly #expressions = new Expressions(this.#scopes, (node) => this.#function(node).source);
  #made = 0;
  /** Whether each way out of the function that is being compiled gives exactly one value. */
  #givesOne = true;

  chunk(body: Statement[]): string {
    const source = body.map((one) => this.#statement(one)).join("\n");
    return this.#scopes.withKeywords(`let t;\n${source}`);
  }

  #function(node: FunctionNode): { source: string; givesOne: boolean } {
    const outer = this.#givesOne;
    this.#givesOne = alwaysReturns(node.body);
    this.#scopes.depth++;
    const source = this.#scopes.within(() => {
      const parameters = node.parameters.map((one) => {
        if (one.type !== "Identifier") throw refusal(one, "a function with `...`");
        return this.#scopes.declare(one.name).js;
      });
      const end = alwaysReturns(node.body) ? "" : "\nreturn NONE;";
      return `(${parameters.join(", ")}) => { let t;\n${this.#statements(node.body)}${end}\n}`;
    });
    this.#scopes.depth--;
    const givesOne = this.#givesOne;
    this.#givesOne = outer;
    return { source, givesOne };
  }

  #statements(body: Statement[]): string {
    return body.map((one) => this.#statement(one)).join("\n");
  }

  #block(body: Statement[]): string {
    return this.#scopes.within(() => `{\n${this.#statements(body)}\n}`);
  }

  #statement(node: Statement): string {
    switch (node.type) {
      case "LocalStatement":
        return this.#local(node);
      case "AssignmentStatement":
        return this.#assignment(node);
      case "CallStatement":
        return `${this.#expressions.result(node.expression)};`;
      case "FunctionDeclaration":
        return this.#localFunction(node);
      case "ReturnStatement":
        return `return ${this.#returned(node.arguments)};`;
      case "BreakStatement":
        return "break;";
      case "DoStatement":
        return this.#block(node.body);
      case "WhileStatement":
        return `while (${this.#expressions.condition(node.condition)}) ${this.#block(node.body)}`;
      case "IfStatement":
        return node.clauses.map(({ condition, body }) =>
          condition === undefined
            ? this.#block(body)
            : `if (${this.#expressions.condition(condition)}) ${this.#block(body)}`
        ).join(" else ");
      case "ForNumericStatement":
        return this.#numericFor(node);
      case "ForGenericStatement":
        return this.#genericFor(node);
      default:
        throw refusal(node, (node as Statement).type);
    }
  }

  #returned(values: Expression[]): string {
    const [only] = values;
    if (values.length !== 1 || (only && this.#expressions.givesMany(only))) this.#givesOne = false;
    if (only === undefined) return "NONE";
    return values.length === 1 ? this.#expressions.result(only) : this.#expressions.list(values);
  }

  #localFunction(node: FunctionNode): string {
    if (!node.isLocal || node.identifier === null) throw refusal(node, "a global function");
    const binding = this.#scopes.declare(node.identifier.name, "many");
    const { source, givesOne } = this.#function(node);
    // Its callers below need not look how many values they got.
    if (givesOne) binding.calls = "one";
    return `const ${binding.js} = ${source};`;
  }

  #local({ variables, init }: Statement & { type: "LocalStatement" }): string {
    const values = this.#sources(init, variables.length);
    // The values are read before the names are there: `local x = x` means the outer one.
    const bindings = variables.map(({ name }) => this.#scopes.declare(name));
    const declared = bindings.map((binding, at) =>
      `${this.#scopes.keyword(binding)} ${binding.js} = ${values.sources[at] ?? "undefined"};`
    );
    return [...values.before, ...declared].join(" ");
  }

  #assignment(node: Statement & { type: "AssignmentStatement" }): string {
    const values = this.#sources(node.init, node.variables.length);
    const [only] = node.variables;
    if (only !== undefined && node.variables.length === 1) {
      return [...values.before, this.#assign(only, values.sources[0] ?? "undefined")].join(" ");
    }
    const held = node.variables.map(() => this.#fresh());
    return [
      "{",
      ...values.before,
      ...held.map((name, at) => `const ${name} = ${values.sources[at] ?? "undefined"};`),
      ...node.variables.map((one, at) => this.#assign(one, held[at] ?? "")),
      "}",
    ].join(" ");
  }

  /** The source of each of `wanted` values, and what must be run before. */
  #sources(init: Expression[], wanted: number): { before: string[]; sources: string[] } {
    const last = init.at(-1);
    if (init.length > wanted) {
      const line = init[wanted];
      if (line) throw refusal(line, "a value without a variable");
    }
    if (last === undefined || init.length === wanted || !this.#expressions.givesMany(last)) {
      return { before: [], sources: init.map((one) => this.#expressions.value(one)) };
    }
    const held = this.#fresh();
    return {
      before: [`const ${held} = ${this.#expressions.list(init)};`],
      sources: Array.from({ length: wanted }, (_, at) => `${held}[${at}]`),
    };
  }

  #assign(target: Expression, source: string): string {
    if (target.type === "Identifier") {
      const binding = this.#scopes.find(target);
      if (!binding) throw refusal(target, `assigning to the global ${target.name}`);
      if (binding.calls !== "no") throw refusal(target, "assigning to a local function");
      if (binding.depth === 0 && this.#scopes.depth > 0) {
        throw refusal(target, `assigning to ${target.name}, which would be state between calls,`);
      }
      binding.isAssigned = true;
      return `${binding.js} = ${source};`;
    }
    const { base, key, line } = this.#expressions.place(target);
    return `setIndex(${base}, ${key}, ${source}, ${line});`;
  }

  #numericFor(node: Statement & { type: "ForNumericStatement" }): string {
    const step = node.step === null ? 1 : literalStep(node.step);
    const line = node.loc.start.line;
    const [at, end] = [this.#fresh(), this.#fresh()];
    const from = this.#expressions.bound(node.start, line);
    const to = this.#expressions.bound(node.end, line);
    return this.#scopes.within(() => {
      const binding = this.#scopes.declare(node.variable.name);
      const declared = `${this.#scopes.keyword(binding)} ${binding.js} = ${at};`;
      const test = step > 0 ? `${at} <= ${end}` : `${at} >= ${end}`;
      return `for (let ${at} = ${from}, ${end} = ${to}; ${test}; ${at} += ${step}) {\n` +
        `${declared}\n${this.#statements(node.body)}\n}`;
    });
  }

  /** Only over `pairs`, `ipairs` and `string.gmatch`, whose loops need no iterator. */
  #genericFor(node: Statement & { type: "ForGenericStatement" }): string {
    const [call] = node.iterators;
    const name = call ? this.#expressions.builtin(call) : null;
    if (node.iterators.length !== 1 || call?.type !== "CallExpression" || name === null) {
      throw refusal(node, "a `for` over anything but pairs, ipairs and string.gmatch");
    }
    const [subject, pattern] = call.arguments;
    const line = node.loc.start.line;
    if (subject === undefined) throw refusal(node, `${name} of nothing`);
    const source = this.#expressions.value(subject);
    if (name === "string.gmatch" && pattern) {
      const found = this.#fresh();
      const all = `matches(${source}, ${this.#expressions.value(pattern)})`;
      return this.#loop(`for (const ${found} of ${all})`, "", node, (at) => `${found}[${at}]`);
    }
    const [table, key, value] = [this.#fresh(), this.#fresh(), this.#fresh()];
    const declared = `const ${table} = tableIn(${source}, ${line});`;
    const read = `const ${value} = ${table}.get(${key});`;
    const parts = (at: number) => at === 0 ? key : value;
    if (node.variables.length > 2) throw refusal(node, "a third variable of a `for`");
    if (name === "ipairs") {
      const head = `for (let ${key} = 1;; ${key}++)`;
      const begin = `${read} if (${value} === undefined) break;`;
      return `{ ${declared} ${this.#loop(head, begin, node, parts)} }`;
    }
    if (name !== "pairs") throw refusal(node, `a \`for\` over ${name}`);
    const begin = `${read} if (${value} === undefined) continue;`;
    const head = `for (const ${key} of ${table}.keys())`;
    return `{ ${declared} ${this.#loop(head, begin, node, parts)} }`;
  }

  #loop(
    head: string,
    begin: string,
    node: Statement & { type: "ForGenericStatement" },
    valueOf: (at: number) => string,
  ): string {
    return this.#scopes.within(() => {
      const declared = node.variables.map(({ name }, at) => {
        const binding = this.#scopes.declare(name);
        return `${this.#scopes.keyword(binding)} ${binding.js} = ${valueOf(at)};`;
      });
      return `${head} {\n${begin} ${declared.join(" ")}\n${this.#statements(node.body)}\n}`;
    });
  }

  #fresh(): string {
    return `$${this.#made++}`;
  }
}

function literalStep(step: Expression): number {
  const isNegative = step.type === "UnaryExpression" && step.operator === "-";
  const literal = isNegative ? step.argument : step;
  if (literal.type !== "NumericLiteral" || literal.value === 0) {
    throw refusal(step, "a step that is not a number in the text");
  }
  return isNegative ? -literal.value : literal.value;
}

/** Whether the end of a block is never reached. */
function alwaysReturns(body: Statement[]): boolean {
  const last = body.at(-1);
  if (last?.type === "ReturnStatement") return true;
  if (last?.type === "DoStatement") return alwaysReturns(last.body);
  if (last?.type !== "IfStatement") return false;
  return last.clauses.at(-1)?.condition === undefined &&
    last.clauses.every((clause) => alwaysReturns(clause.body));
}
