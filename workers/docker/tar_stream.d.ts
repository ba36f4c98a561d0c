/** What we use of tar-stream, which comes without types of its own. */
export interface Entry {
  name: string;
  type?: "file" | "directory";
  mode?: number;
  mtime?: Date;
}

export interface Pack {
  entry(header: Entry, content?: string): void;
  finalize(): void;
  pipe(to: unknown): unknown;
}

export function pack(): Pack;
