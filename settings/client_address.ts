/** The forms of a control plane's address and of its token, wherever a client is given them. */

/** What is right, as the end of a sentence about what is wrong. */
export const ADDRESS_FORM = "must be an http or https address, for example http://127.0.0.1:4700";
export const TOKEN_FORM =
  "must be a token of the control plane: visible characters, without spaces or line ends";

const TOKEN = /^[\x21-\x7e]{1,512}$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Without a slash at its end; null: it is none, or has a password, a query or a fragment in it. */
export function addressOf(text: string): string | null {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username || url.password) return null;
  if (url.search || url.hash) return null;
  return `${url.origin}${url.pathname}`.replace(/\/+$/, "");
}
