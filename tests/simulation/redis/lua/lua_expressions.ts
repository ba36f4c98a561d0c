/** Compiles Lua's expressions to JavaScript ones: of one value, of any number, or of a condition. */
import { BUILTINS, MANY } from "./lua_builtins.ts";
import type { Scopes } from "./lua_scope.ts";
import {
  type CallNode,
  type Expression,
  type FunctionNode,
  refusal,
  type TableField,
} from "./lua_syntax.ts";

type Kind = "boolean" | "number" | "string" | "any";

const LIBRARIES = new Set(["cjson", "math", "redis", "string", "table"]);
const COMPARISONS: Readonly<Record<string, string>> = { "==": "===", "~=": "!==" };
const ARITHMETIC = new Set(["+", "-", "*", "/", "%"]);

/** The expressions of one text, by its scopes; `compileFunction` does the statements within a function. */
export class Expressions {
  readonly #scopes: Scopes;
  readonly #compileFunction: (node: FunctionNode) => string;

  constructor(scopes: Scopes, compileFunction: (node: FunctionNode) => string) {
    this.#scopes = scopes;
    this.#compileFunction = compileFunction;
  }

  /** Source of exactly one value. */
  value(node: Expression): string {
    switch (node.type) {
      case "StringLiteral":
        return JSON.stringify(node.value);
      case "NumericLiteral":
      case "BooleanLiteral":
        return String(node.value);
      case "NilLiteral":
        return "undefined";
      case "Identifier":
      case "MemberExpression":
      case "IndexExpression":
        return this.#read(node);
      case "FunctionDeclaration":
        return this.#compileFunction(node);
      case "TableConstructorExpression":
        return this.#table(node.fields);
      case "UnaryExpression":
        return this.#unary(node.operator, node.argument, node.loc.start.line);
      case "BinaryExpression":
        return this.#binary(node.operator, node.left, node.right, node.loc.start.line);
      case "LogicalExpression":
        return this.#logical(node.operator, node.left, node.right);
      case "CallExpression":
      case "TableCallExpression":
      case "StringCallExpression":
        return this.#oneOfCall(asCall(node));
      default:
        throw refusal(node, (node as Expression).type);
    }
  }

  /** Source of what a call gives, however many values, or of one value. */
  result(node: Expression): string {
    return isCall(node) && !isInParentheses(node) ? this.#call(asCall(node)) : this.value(node);
  }

  /** Source of a JavaScript boolean. */
  condition(node: Expression): string {
    if (node.type === "LogicalExpression") {
      const sign = node.operator === "and" ? "&&" : "||";
      return `(${this.condition(node.left)} ${sign} ${this.condition(node.right)})`;
    }
    if (node.type === "UnaryExpression" && node.operator === "not") {
      return `!${this.condition(node.argument)}`;
    }
    const source = this.value(node);
    if (kindOf(node) === "boolean") return source;
    return `((t = ${source}) !== undefined && t !== false)`;
  }

  /** Source of an array of all values of a list, whose last may be several. */
  list(nodes: readonly Expression[]): string {
    return `[${this.#spread(nodes)}]`;
  }

  /** Source of a number that bounds a loop. */
  bound(node: Expression, line: number): string {
    const source = this.value(node);
    return kindOf(node) === "number" ? source : `bound(${source}, ${line})`;
  }

  /** What an assignment to a part of a table sets. */
  place(node: Expression): { base: string; key: string; line: number } {
    const line = node.loc.start.line;
    if (node.type === "MemberExpression" && node.indexer === ".") {
      return { base: this.value(node.base), key: JSON.stringify(node.identifier.name), line };
    }
    if (node.type !== "IndexExpression") throw refusal(node, "assigning to this");
    return { base: this.value(node.base), key: this.value(node.index), line };
  }

  /** Whether an expression may give other than one value. */
  givesMany(node: Expression): boolean {
    if (!isCall(node) || isInParentheses(node)) return false;
    const { base } = asCall(node);
    const name = this.builtin(base);
    if (name !== null) return MANY.has(name);
    return base.type !== "Identifier" || this.#scopes.find(base)?.calls !== "one";
  }

  /** The Lua name of one of Lua's own functions, also when it is called; null for anything else. */
  builtin(node: Expression): string | null {
    if (node.type === "CallExpression") return this.builtin(node.base);
    if (node.type === "Identifier") return this.#scopes.find(node) ? null : node.name;
    if (node.type !== "MemberExpression" || node.base.type !== "Identifier") return null;
    const { name } = node.base;
    if (!LIBRARIES.has(name) || this.#scopes.find(node.base)) return null;
    return `${name}.${node.identifier.name}`;
  }

  #read(
    node: Expression & { type: "Identifier" | "MemberExpression" | "IndexExpression" },
  ): string {
    const name = this.builtin(node);
    if (name === "cjson.null") return "null";
    if (name !== null) return runtimeName(node, name);
    if (node.type === "Identifier") return this.#scopes.find(node)?.js ?? "";
    if (node.type === "MemberExpression" && node.indexer !== ".") throw refusal(node, "a method");
    const { base, key, line } = this.place(node);
    return `index(${base}, ${key}, ${line})`;
  }

  #table(fields: TableField[]): string {
    const values = fields.flatMap((field) => field.type === "TableValue" ? [field.value] : []);
    const pairs = fields.flatMap((field) => {
      if (field.type === "TableValue") return [];
      const key = field.type === "TableKeyString"
        ? JSON.stringify(field.key.name)
        : this.#key(field.key);
      return [key, this.value(field.value)];
    });
    const array = this.list(values);
    const source = `tableOf(${array}, ${pairs.length > 0 ? `[${pairs.join(", ")}]` : "null"})`;
    return this.#scopes.depth === 0 ? `constant(${source})` : source;
  }

  #key(node: Expression): string {
    if (kindOf(node) === "any") throw refusal(node, "a computed key in a table's constructor");
    return this.value(node);
  }

  #unary(operator: string, argument: Expression, line: number): string {
    if (operator === "not") return `!${this.condition(argument)}`;
    if (operator === "#") return `length(${this.value(argument)}, ${line})`;
    return `(-${this.#operand(argument, line)})`;
  }

  #binary(operator: string, left: Expression, right: Expression, line: number): string {
    const same = COMPARISONS[operator];
    if (same) return `(${this.value(left)} ${same} ${this.value(right)})`;
    if (operator === "..") return `(${this.#part(left, line)} + ${this.#part(right, line)})`;
    if (ARITHMETIC.has(operator)) {
      const [a, b] = [this.#operand(left, line), this.#operand(right, line)];
      return operator === "%" ? `modulo(${a}, ${b})` : `(${a} ${operator} ${b})`;
    }
    const [a, b] = [this.value(left), this.value(right)];
    switch (operator) {
      case "<":
        return `less(${a}, ${b}, ${line})`;
      case "<=":
        return `lessOrEqual(${a}, ${b}, ${line})`;
      case ">":
        return `more(${a}, ${b}, ${line})`;
      case ">=":
        return `moreOrEqual(${a}, ${b}, ${line})`;
      default:
        throw refusal(left, `the operator ${operator}`);
    }
  }

  #operand(node: Expression, line: number): string {
    const source = this.value(node);
    return kindOf(node) === "number" ? source : `operand(${source}, ${line})`;
  }

  #part(node: Expression, line: number): string {
    const source = this.value(node);
    return kindOf(node) === "string" ? source : `part(${source}, ${line})`;
  }

  /** `and` and `or` give one of their sides; `t` is a variable of each function for the left one. */
  #logical(operator: string, left: Expression, right: Expression): string {
    const test = `(t = ${this.value(left)}) === undefined || t === false`;
    const other = this.value(right);
    return operator === "and" ? `(${test} ? t : ${other})` : `(${test} ? ${other} : t)`;
  }

  #oneOfCall(node: CallNode): string {
    const name = this.builtin(node.base);
    const single = name === null ? null : MANY.get(name);
    if (single) return `${single}(${this.#spread(node.arguments)})`;
    const source = this.#call(node);
    return this.givesMany({ ...node, inParens: false } as CallNode) ? `first(${source})` : source;
  }

  #call(node: CallNode): string {
    const line = node.loc.start.line;
    const name = this.builtin(node.base);
    if (name !== null) return this.#callBuiltin(node, name, line);
    const args = this.#spread(node.arguments);
    const binding = node.base.type === "Identifier" ? this.#scopes.find(node.base) : null;
    if (binding && binding.calls !== "no") return `${binding.js}(${args})`;
    return `callable(${this.value(node.base)}, ${line})(${args})`;
  }

  #callBuiltin(node: CallNode, name: string, line: number): string {
    const args = node.arguments;
    const [only] = args;
    if (name === "error") {
      if (args.length !== 1 || !only) throw refusal(node, "error with other than one argument");
      return `raise(${this.value(only)}, ${line})`;
    }
    const last = args.at(-1);
    if (name === "redis.call" && !(last && this.givesMany(last))) {
      return `redisRun([${args.map((one) => this.#word(one)).join(", ")}])`;
    }
    if (name === "string.format" && only?.type === "StringLiteral" && only.value === "%d") {
      const [, value] = args;
      if (args.length === 2 && value) return `whole(${this.value(value)})`;
    }
    if (name === "tonumber" && args.length !== 1) throw refusal(node, "tonumber with a base");
    return `${runtimeName(node, name)}(${this.#spread(args)})`;
  }

  #word(node: Expression): string {
    const source = this.value(node);
    return kindOf(node) === "string" ? source : `word(${source})`;
  }

  #spread(nodes: readonly Expression[]): string {
    return nodes.map((node, at) =>
      at === nodes.length - 1 && this.givesMany(node)
        ? `...list(${this.result(node)})`
        : this.value(node)
    ).join(", ");
  }
}

function runtimeName(node: Expression, name: string): string {
  if (!BUILTINS.has(name)) throw refusal(node, name);
  return name.replace(".", "_");
}

/** What an expression is for certain. */
function kindOf(node: Expression): Kind {
  switch (node.type) {
    case "StringLiteral":
      return "string";
    case "NumericLiteral":
      return "number";
    case "BooleanLiteral":
      return "boolean";
    case "UnaryExpression":
      return node.operator === "not" ? "boolean" : "number";
    case "BinaryExpression":
      if (node.operator === "..") return "string";
      return ARITHMETIC.has(node.operator) ? "number" : "boolean";
    default:
      return "any";
  }
}

function isCall(node: Expression): boolean {
  return /Call/.test(node.type);
}

/** luaparse marks what stands in parentheses, of which Lua takes one value. */
function isInParentheses(node: Expression): boolean {
  return (node as { inParens?: boolean }).inParens === true;
}

/** `f {}` and `f ''` as the calls that they stand for. */
function asCall(node: Expression): CallNode {
  if (node.type === "TableCallExpression") {
    // luaparse has one table there, though it names it as a list.
    const args = [node.arguments].flat();
    return { ...node, type: "CallExpression", arguments: args };
  }
  if (node.type === "StringCallExpression") {
    return { ...node, type: "CallExpression", arguments: [node.argument] };
  }
  return node as CallNode;
}
