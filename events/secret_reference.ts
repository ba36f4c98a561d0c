/**
 * References to secrets in configurations: `${secret:NAME}`, which a host replaces by what it has under that name when
 * it starts the server. Only the reference is ever in a log or an event. Design promise 11.
 */
import type { Json } from "./json.ts";

/** What a secret may be called. */
export const SECRET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

const BEGIN = "${secret:";
const REFERENCE = /\$\{secret:([^}]*)\}/g;
/** The forms in which drasi-server itself takes a value from its environment. */
const OWN_REFERENCE = /^\$\{[A-Za-z_][A-Za-z0-9_]*\}$/;

/** The names of all secrets that a value refers to, each once, in order. */
export function secretNamesIn(value: Json | undefined): string[] {
  const names = new Set<string>();
  eachText(value, (text) => {
    for (const [, name = ""] of text.matchAll(REFERENCE)) names.add(name);
  });
  return [...names].sort();
}

/** Whether a text holds a reference, or what looks like the beginning of one. */
export function hasReference(text: string): boolean {
  return text.includes(BEGIN);
}

/** Whether all that begins as a reference in a text is one. */
export function areReferencesSound(text: string): boolean {
  const found = [...text.matchAll(REFERENCE)];
  return found.every(([, name = ""]) => SECRET_NAME.test(name)) &&
    found.length === text.split(BEGIN).length - 1;
}

/** Whether a text is nothing but a reference, so that it can stand where only a secret may stand. */
export function isReference(text: string): boolean {
  return OWN_REFERENCE.test(text) ||
    (areReferencesSound(text) && text.replace(REFERENCE, "") === "" && text !== "");
}

/** The text with each reference replaced by its value. */
export function withSecrets(text: string, valueOf: (name: string) => string): string {
  return text.replace(REFERENCE, (_all, name: string) => valueOf(name));
}

/** Calls `visit` with each text in a value, and its path. */
export function eachText(
  value: Json | undefined,
  visit: (text: string, path: readonly string[]) => void,
  path: readonly string[] = [],
): void {
  if (typeof value === "string") return visit(value, path);
  if (value === null || typeof value !== "object") return;
  for (const [key, inner] of Object.entries(value)) eachText(inner, visit, [...path, key]);
}
