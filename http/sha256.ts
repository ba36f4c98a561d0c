/** SHA-256, for tokens and for idempotency keys. */

/** The digest of a text's UTF-8 bytes. */
export async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/** The digest as 64 hexadecimal digits. */
export async function sha256Hex(text: string): Promise<string> {
  return (await sha256(text)).toHex();
}
