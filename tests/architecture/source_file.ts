/** Reads a source file into the facts that the architecture rules judge: imports, uses of the host, sizes, first words. */
import ts from "typescript";

/** One import or re-export. */
export interface Import {
  specifier: string;
  /** The file that it names, from the repository's root; null for a library. */
  target: string | null;
  names: string[];
  line: number;
}

/** Something with a name at a line. */
export interface Place {
  name: string;
  line: number;
}

/** What the rules know of a file. */
export interface SourceFile {
  /** From the repository's root. */
  path: string;
  text: string;
  lines: number;
  imports: Import[];
  /** Uses of what belongs to the host: `Deno.env`, `Date.now`, `new Date()`, `setTimeout`. */
  hostUses: Place[];
  /** Each function that has a body, with its length. */
  functions: (Place & { lines: number })[];
  /** HTTP statuses from 400 on that are written where an answer is made. */
  errorStatuses: Place[];
}

const HOST_OBJECTS = new Set([
  "Deno",
  "Date",
  "performance",
  "Math",
  "crypto",
  "AbortSignal",
  "console",
  "process",
  "Temporal",
]);
const TIMERS = new Set(["setTimeout", "setInterval", "setImmediate", "queueMicrotask"]);
const ANSWERING = new Set(["json", "text", "html", "body", "newResponse", "status"]);

/** The facts of the file at `path` (from the repository's root) with this text. */
export function readSource(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const facts: SourceFile = {
    path,
    text,
    lines: text.replace(/\n$/, "").split("\n").length,
    imports: [],
    hostUses: [],
    functions: [],
    errorStatuses: [],
  };
  const lineOf = (node: ts.Node) =>
    tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
  const visit = (node: ts.Node): void => {
    const imported = importOf(node, path);
    if (imported) facts.imports.push({ ...imported, line: lineOf(node) });
    const use = hostUseOf(node);
    if (use) facts.hostUses.push({ name: use, line: lineOf(node) });
    if (ts.isFunctionLike(node) && "body" in node && node.body) {
      const lines = tree.getLineAndCharacterOfPosition(node.end).line + 2 - lineOf(node);
      facts.functions.push({ name: functionName(node), line: lineOf(node), lines });
    }
    if (isErrorStatus(node)) facts.errorStatuses.push({ name: node.getText(), line: lineOf(node) });
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return facts;
}

function importOf(node: ts.Node, path: string): Omit<Import, "line"> | null {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
    if (!node.moduleSpecifier || !ts.isStringLiteral(node.moduleSpecifier)) return null;
    const bindings = ts.isImportDeclaration(node)
      ? node.importClause?.namedBindings
      : node.exportClause;
    const names = bindings && "elements" in bindings
      ? bindings.elements.map((one) => (one.propertyName ?? one.name).text)
      : [];
    return { ...located(node.moduleSpecifier.text, path), names };
  }
  const isCall = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const [argument] = isCall ? node.arguments : [];
  if (argument && ts.isStringLiteral(argument)) {
    return { ...located(argument.text, path), names: [] };
  }
  return null;
}

function located(specifier: string, path: string): { specifier: string; target: string | null } {
  if (!specifier.startsWith(".")) return { specifier, target: null };
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/") + 1) : "";
  return { specifier, target: new URL(`file:///${folder}${specifier}`).href.slice(8) };
}

/** The host's thing that this very node is a use of; a longer name (`Deno.env`) is given once. */
function hostUseOf(node: ts.Node): string | null {
  if (ts.isNewExpression(node)) {
    const isNow = node.expression.getText() === "Date" && !node.arguments?.length;
    return isNow ? "new Date()" : null;
  }
  if (!ts.isIdentifier(node) || isMerelyAName(node)) return null;
  if (TIMERS.has(node.text)) return node.text;
  if (!HOST_OBJECTS.has(node.text)) return null;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) && parent.expression === node) {
    return `${node.text}.${parent.name.text}`;
  }
  if (ts.isQualifiedName(parent) && parent.left === node) {
    return `${node.text}.${parent.right.text}`;
  }
  // `new Date(at)` only puts a time into another form; `Date()` asks the clock.
  if (ts.isNewExpression(parent) || ts.isTypeReferenceNode(parent)) return null;
  return node.text;
}

/** A name that a file gives to a thing of its own: a member, a parameter, an import. */
function isMerelyAName({ parent, text }: ts.Identifier): boolean {
  if (ts.isPropertyAccessExpression(parent)) return parent.name.text === text;
  if (ts.isQualifiedName(parent)) return parent.right.text === text;
  if (ts.isImportSpecifier(parent)) return true;
  return "name" in parent && (parent.name as ts.Node)?.getText() === text;
}

function functionName(node: ts.SignatureDeclaration): string {
  if (node.name) return node.name.getText();
  const { parent } = node;
  return ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)
    ? parent.name.getText()
    : "a function without a name";
}

function isErrorStatus(node: ts.Node): boolean {
  if (!ts.isNumericLiteral(node) || Number(node.text) < 400 || Number(node.text) > 599) {
    return false;
  }
  let at: ts.Node = node;
  while (ts.isConditionalExpression(at.parent) || ts.isParenthesizedExpression(at.parent)) {
    at = at.parent;
  }
  const { parent } = at;
  if (ts.isPropertyAssignment(parent)) return parent.name.getText() === "status";
  return ts.isCallExpression(parent) && ts.isPropertyAccessExpression(parent.expression) &&
    ANSWERING.has(parent.expression.name.text);
}
