/** The secrets of a host: files of its own, or variables of its worker; and what hides them in what servers say. */
import { OperationalError } from "../events/errors.ts";
import { SECRET_NAME } from "../events/secret_reference.ts";
import type { Failure } from "./platform.ts";
import { hashOf } from "./text_hash.ts";

/** Where the host's secrets are. */
export interface SecretPlaces {
  /** Absolute: a file a secret, by its name. */
  folder: string;
  /** The worker's `DRAAS_SECRET_…` variables. */
  variables: Readonly<Record<string, string>>;
}

/** What stands in the place of a secret. */
export const MASK = "(secret)";

/** The most that a secret may be. */
export const SECRET_BYTES_MAX: number = 64 * 1_024;
/** Of a secret that was changed while servers ran: what they were started with is still hidden. */
const VALUES_KEPT = 8;
/** A line of a key file is hidden by itself if it is at least so long; shorter ones are in any text. */
const LINE_CHARACTERS_LEAST = 8;
/** Where a text is cut, so much of a secret is hidden; less is in any text. */
const PART_CHARACTERS_LEAST = 4;
const READ_BY_OTHERS = 0o077;

/** A secret as it was given to a run. */
export interface GivenSecret {
  name: string;
  /** Of its value then, see `markOf`; null: not known, so any value is taken for it. */
  mark: number | null;
}

/** Where a text is cut: a secret may have its other part beyond. */
export interface Cut {
  start: boolean;
  end: boolean;
}

/** Hides secrets in a text. */
export type Mask = (text: string, cut?: Cut) => string;

/** What hides secrets, and which it does not know. */
export interface Masking {
  mask: Mask;
  lost: readonly GivenSecret[];
}

/**
 * Tells whether a secret was changed: 16 bits, so that of a guessed value nobody learns more than that it may be the one
 * (one in 65536 is), and one change in 65536 goes unseen.
 */
export function markOf(value: string): number {
  const hash = hashOf(value);
  return (hash >>> 16) ^ (hash & 0xffff);
}

/** Reads secrets, and remembers those that it gave out, to hide them again. */
export class SecretStore {
  readonly #places: SecretPlaces;
  readonly #given = new Map<string, string[]>();

  constructor(places: SecretPlaces) {
    this.#places = places;
  }

  /** The values of all `names`; or the one failure that tells of each that cannot be had. */
  async values(names: readonly string[]): Promise<{ values: Map<string, string> } | Failure> {
    const values = new Map<string, string>();
    const problems: OperationalError[] = [];
    for (const name of names) {
      try {
        values.set(name, await this.#read(name));
      } catch (error) {
        if (!(error instanceof OperationalError)) throw error;
        problems.push(error);
      }
    }
    const [first] = problems;
    if (first === undefined) return { values };
    const message = problems.map(({ message, hint }) => `${message} ${hint}`).join(" ");
    return { code: first.code, message, retryable: false };
  }

  /**
   * Gives what hides every value that one of these secrets has or had, as it is and as JSON and URLs write it; and which
   * of them are `lost`: what was given then is not to be had any more, so that nothing hides it.
   */
  async masker(given: readonly GivenSecret[]): Promise<Masking> {
    const names = [...new Set(given.map(({ name }) => name))];
    // Remembers what it finds; what it does not find shows below.
    await this.values(names);
    const known = (name: string) => this.#given.get(name) ?? [];
    const lost = given.filter(({ name, mark }) =>
      !known(name).some((value) => mark === null || mark === markOf(value))
    );
    const forms = formsOf(names.flatMap(known));
    return { mask: (text, cut) => withoutEdges(without(text, forms), forms, cut), lost };
  }

  async #read(name: string): Promise<string> {
    const value = await this.#fromFile(name) ?? this.#places.variables[variableOf(name)];
    if (value === undefined || value === "") {
      throw new OperationalError(
        value === undefined ? "secret_missing" : "secret_empty",
        value === undefined
          ? `The secret ${name} is not on this worker's host.`
          : `The secret ${name} is empty on this worker's host.`,
        false,
        `Put it into ${this.#places.folder}/${name} (mode 0600), or into the worker's variable ${
          variableOf(name)
        }.`,
      );
    }
    const given = (this.#given.get(name) ?? []).filter((one) => one !== value);
    this.#given.set(name, [value, ...given].slice(0, VALUES_KEPT));
    return value;
  }

  /** Null where there is no such file. */
  async #fromFile(name: string): Promise<string | null> {
    if (!SECRET_NAME.test(name)) throw new Error("a secret's name that was not checked");
    const path = `${this.#places.folder}/${name}`;
    const unusable = (why: string, hint: string) =>
      new OperationalError("secret_unusable", `The secret ${name} ${why}.`, false, hint);
    try {
      const { mode, isFile, size } = await Deno.stat(path);
      if (!isFile) throw unusable("is not a file", `Make ${path} a file with its value.`);
      if (((mode ?? 0) & READ_BY_OTHERS) !== 0) {
        throw unusable("can be read by other users of the host", `Run: chmod 600 ${path}`);
      }
      if (size > SECRET_BYTES_MAX) throw unusable("is larger than 64 KiB", `Shorten ${path}.`);
      const text = (await Deno.readTextFile(path)).replace(/\r?\n$/, "");
      if (text.includes("\0")) throw unusable("holds a NUL character", `Write text into ${path}.`);
      return text;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      if (error instanceof Deno.errors.PermissionDenied) {
        throw unusable("cannot be read by the worker", `Give ${path} to the worker's user.`);
      }
      throw error;
    }
  }
}

/** The variable that may hold a secret: `db-password` is in `DRAAS_SECRET_DB_PASSWORD`. */
export function variableOf(name: string): string {
  return `DRAAS_SECRET_${name.toUpperCase().replace(/[^A-Z0-9]/g, "_")}`;
}

/** The text without any of the values, in whichever form it has them. */
export function maskedText(text: string, values: readonly string[]): string {
  return without(text, formsOf(values));
}

/** The longest first: what is left of a long one must not show because a short one is part of it. */
function formsOf(values: readonly string[]): string[] {
  const forms = values.flatMap((value) => [
    value,
    JSON.stringify(value).slice(1, -1),
    encodeURIComponent(value),
    ...value.split(/\r?\n/).filter((line) => line.length >= LINE_CHARACTERS_LEAST),
  ]);
  return [...new Set(forms)].sort((a, b) => b.length - a.length);
}

function without(text: string, forms: readonly string[]): string {
  return forms.reduce((rest, form) => rest.replaceAll(form, MASK), text);
}

/** The text without what may be parts of the forms at its cut edges. */
function withoutEdges(text: string, forms: readonly string[], cut?: Cut): string {
  if (cut?.start && cut.end && forms.some((form) => form.includes(text))) return MASK;
  // A character that is cut itself shows so.
  const [head = ""] = cut?.start ? /^\uFFFD{0,3}/.exec(text)! : [];
  const [tail = ""] = cut?.end ? /\uFFFD{0,3}$/.exec(text)! : [];
  const inner = text.slice(head.length, text.length - tail.length);
  const first = cut?.start
    ? partAt(inner, forms, (form, length) => form.slice(-length), "startsWith")
    : 0;
  const last = cut?.end
    ? partAt(inner, forms, (form, length) => form.slice(0, length), "endsWith")
    : 0;
  const rest = inner.slice(first, Math.max(first, inner.length - last));
  return `${head}${first > 0 ? MASK : ""}${rest}${last > 0 ? MASK : ""}${tail}`;
}

/** How long the longest part of a form is that the text has there; 0 for none. */
function partAt(
  text: string,
  forms: readonly string[],
  part: (form: string, length: number) => string,
  has: "startsWith" | "endsWith",
): number {
  let longest = 0;
  for (const form of forms) {
    const least = Math.max(longest + 1, PART_CHARACTERS_LEAST);
    let length = Math.min(form.length - 1, text.length);
    while (length >= least && !text[has](part(form, length))) length--;
    if (length >= least) longest = length;
  }
  return longest;
}
