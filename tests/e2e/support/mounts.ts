/** Folders with a fault of the host's: full, or not to be written. Undone by `using`, also when a test fails. */

/** Whether this user may mount; where not, tests of what only a mount can bring about are left out. */
export const canMount: boolean = Deno.uid() === 0 && tryMount();

/** A folder of the host's that behaves otherwise for as long as it is in scope. */
export interface SpoiledFolder extends Disposable {
  /** Takes the fault away, and leaves the contents. */
  mend(): void;
}

/** Makes a folder that cannot be written: by a mount for root, whom no mode keeps out; by its mode for others. */
export function readOnly(folder: string): SpoiledFolder {
  if (!canMount) {
    Deno.chmodSync(folder, 0o555);
    const mend = () => Deno.chmodSync(folder, 0o755);
    return { mend, [Symbol.dispose]: mend };
  }
  run("mount", "--bind", folder, folder);
  const mounted = mountedFolder(folder);
  run("mount", "-o", "remount,bind,ro", folder);
  return { mend: mounted[Symbol.dispose], [Symbol.dispose]: mounted[Symbol.dispose] };
}

/** A disk of its own at `folder`, of so many KiB. Needs `canMount`. */
export function smallDisk(folder: string, kib: number): Disposable {
  run("mount", "-t", "tmpfs", "-o", `size=${kib}k`, "tmpfs", folder);
  return mountedFolder(folder);
}

/** Writes a file until the disk has no room left. */
export function fillDisk(path: string): void {
  using file = Deno.openSync(path, { write: true, create: true });
  const block = new Uint8Array(4_096);
  try {
    for (;;) file.writeSync(block);
  } catch (error) {
    if (!String(error).includes("No space left")) throw error;
  }
}

function mountedFolder(folder: string): Disposable {
  let isMounted = true;
  return {
    [Symbol.dispose]() {
      if (!isMounted) return;
      isMounted = false;
      // Lazily: what still has a file open there must not keep it.
      run("umount", "-l", folder);
    },
  };
}

function tryMount(): boolean {
  const folder = Deno.makeTempDirSync({ prefix: "draas-mount-" });
  try {
    smallDisk(folder, 64)[Symbol.dispose]();
    return true;
  } catch {
    // A container without the right to mount.
    return false;
  } finally {
    Deno.removeSync(folder);
  }
}

function run(command: string, ...args: string[]): void {
  const { code, stderr } = new Deno.Command(command, { args }).outputSync();
  if (code !== 0) {
    throw new Error(`${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
  }
}
