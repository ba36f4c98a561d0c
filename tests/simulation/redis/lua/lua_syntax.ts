/** The syntax of Lua as far as the function library uses it, read by luaparse; all else is refused with its line. */
import luaparse from "luaparse";

/** Where a node stands in the text. */
interface Placed {
  loc: { start: { line: number } };
}

export interface Identifier extends Placed {
  type: "Identifier";
  name: string;
}

export interface FunctionNode extends Placed {
  type: "FunctionDeclaration";
  identifier: Identifier | null;
  isLocal: boolean;
  parameters: (Identifier | (Placed & { type: "VarargLiteral" }))[];
  body: Statement[];
}

export interface CallNode extends Placed {
  type: "CallExpression";
  base: Expression;
  arguments: Expression[];
}

export type TableField =
  & Placed
  & (
    | { type: "TableValue"; value: Expression }
    | { type: "TableKeyString"; key: Identifier; value: Expression }
    | { type: "TableKey"; key: Expression; value: Expression }
  );

export type Expression =
  | Identifier
  | FunctionNode
  | CallNode
  | (Placed & { type: "TableCallExpression"; base: Expression; arguments: Expression })
  | (Placed & { type: "StringCallExpression"; base: Expression; argument: Expression })
  | (Placed & { type: "StringLiteral"; value: string })
  | (Placed & { type: "NumericLiteral"; value: number })
  | (Placed & { type: "BooleanLiteral"; value: boolean })
  | (Placed & { type: "NilLiteral" })
  | (Placed & { type: "TableConstructorExpression"; fields: TableField[] })
  | (Placed & { type: "UnaryExpression"; operator: string; argument: Expression })
  | (Placed & {
    type: "BinaryExpression" | "LogicalExpression";
    operator: string;
    left: Expression;
    right: Expression;
  })
  | (Placed & {
    type: "MemberExpression";
    indexer: string;
    base: Expression;
    identifier: Identifier;
  })
  | (Placed & { type: "IndexExpression"; base: Expression; index: Expression });

export type Statement =
  | FunctionNode
  | (Placed & { type: "LocalStatement"; variables: Identifier[]; init: Expression[] })
  | (Placed & { type: "AssignmentStatement"; variables: Expression[]; init: Expression[] })
  | (Placed & { type: "CallStatement"; expression: Expression })
  | (Placed & { type: "ReturnStatement"; arguments: Expression[] })
  | (Placed & { type: "BreakStatement" })
  | (Placed & { type: "DoStatement"; body: Statement[] })
  | (Placed & { type: "WhileStatement"; condition: Expression; body: Statement[] })
  | (Placed & {
    type: "IfStatement";
    clauses: { condition?: Expression; body: Statement[] }[];
  })
  | (Placed & {
    type: "ForNumericStatement";
    variable: Identifier;
    start: Expression;
    end: Expression;
    step: Expression | null;
    body: Statement[];
  })
  | (Placed & {
    type: "ForGenericStatement";
    variables: Identifier[];
    iterators: Expression[];
    body: Statement[];
  });

/** The statements of a Lua text; what is no Lua 5.1 throws with its line. */
export function parseLua(text: string): Statement[] {
  try {
    const chunk = luaparse.parse(text, {
      luaVersion: "5.1",
      comments: false,
      locations: true,
      encodingMode: "pseudo-latin1",
    });
    return (chunk as unknown as { body: Statement[] }).body;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new Error(`line ${/^\[(\d+)/.exec(error.message)?.[1]}: ${error.message}`);
  }
}

/** The error for what Lua allows and this compiler does not. */
export function refusal(node: { loc: { start: { line: number } } }, what: string): Error {
  return new Error(`line ${node.loc.start.line}: ${what} is not supported`);
}
