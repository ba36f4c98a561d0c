/** A short hash of texts, by which the records of runs tell that something has changed. */

/** FNV-1a, 32 bits: tells whether two texts differ, and nothing of what is in them. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
