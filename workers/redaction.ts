/** Takes what looks like a secret out of a server's words before they leave its host. */

const HIDDEN = "***";

/** Each with bounds, so that no text takes long. */
const RULES: readonly (readonly [pattern: RegExp, instead: string])[] = [
  // scheme://user:password@host
  [/\b([a-z][a-z0-9+.-]{0,20}:\/\/)[^\s/:@]{0,100}:[^\s/@]{1,200}@/gi, `$1${HIDDEN}:${HIDDEN}@`],
  [/\b(Bearer|Basic)\s{1,4}[A-Za-z0-9._~+/=-]{8,2000}/g, `$1 ${HIDDEN}`],
  [
    /\b([\w.-]{0,40}(?:passw(?:or)?d|secret|token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credentials?)[\w.-]{0,40}["']?\s{0,4}[:=]\s{0,4})(?:"[^"\n]{1,2000}"|'[^'\n]{1,2000}'|[^\s"',;&]{1,2000})/gi,
    `$1${HIDDEN}`,
  ],
  [
    /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|$)/g,
    `-----PRIVATE KEY ${HIDDEN}-----`,
  ],
];

/** The text with passwords, tokens, keys and credentials of addresses replaced by `***`, as far as they show as such. */
export function redacted(text: string): string {
  return RULES.reduce((left, [pattern, instead]) => left.replace(pattern, instead), text);
}

/** Variables of every server, of which everybody may know what is in them. */
const HARMLESS: readonly string[] = [
  "PATH",
  "HOME",
  "LANG",
  "TZ",
  "TMPDIR",
  "PORT",
  "NO_COLOR",
  "DRAAS_INSTANCE_ID",
  "DRAAS_RUN_ID",
  "DRAAS_SITE",
];

/** An environment for people: all names, in order, and the values of those that hold no secret. */
export function maskedEnvironment(
  env: Readonly<Record<string, string>>,
  namesMax: number,
): Record<string, string> {
  return Object.fromEntries(
    Object.keys(env).sort().slice(0, namesMax).map((name) => [
      name,
      HARMLESS.includes(name) ? env[name]!.slice(0, 200) : HIDDEN,
    ]),
  );
}
