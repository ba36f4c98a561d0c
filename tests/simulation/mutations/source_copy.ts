/** A copy of the sources that a simulation runs on, to be spoiled by one mutation after the other. */
import { edited, type Mutation } from "./mutation.ts";

const ROOT = new URL("../../../", import.meta.url);
const FOLDERS = ["actors", "adapters", "events", "machines", "tests", "workers"];
const FILES = ["deno.json", "deno.lock"];
/** Of `tests/` only what a run is made of. */
const IS_NEEDED = /^(?!tests\/)|^tests\/(history|simulation|support)(\/|$)|^tests\/[a-z_]+\.ts$/;
const IS_LEFT_OUT = /_test\.tsx?$|^tests\/simulation\/cli(\/|$)/;

export class SourceCopy {
  private constructor(readonly folder: string) {}

  static make(): SourceCopy {
    const copy = new SourceCopy(Deno.makeTempDirSync({ prefix: "draas_mutations_" }));
    for (const folder of FOLDERS) copy.take(folder);
    for (const file of FILES) Deno.copyFileSync(new URL(file, ROOT), `${copy.folder}/${file}`);
    return copy;
  }

  /** Puts a mutation in. */
  spoil({ edits }: Mutation): void {
    for (const edit of edits) {
      const path = `${this.folder}/${edit.file}`;
      Deno.writeTextFileSync(path, edited(Deno.readTextFileSync(path), edit));
    }
  }

  /** Takes a mutation out again. */
  mend({ edits }: Mutation): void {
    for (const { file } of edits) {
      Deno.copyFileSync(new URL(file, ROOT), `${this.folder}/${file}`);
    }
  }

  remove(): void {
    Deno.removeSync(this.folder, { recursive: true });
  }

  private take(folder: string): void {
    Deno.mkdirSync(`${this.folder}/${folder}`);
    for (const { name, isDirectory } of Deno.readDirSync(new URL(folder, ROOT))) {
      const path = `${folder}/${name}`;
      if (!IS_NEEDED.test(path) || IS_LEFT_OUT.test(path)) continue;
      if (isDirectory) this.take(path);
      else Deno.copyFileSync(new URL(path, ROOT), `${this.folder}/${path}`);
    }
  }
}
