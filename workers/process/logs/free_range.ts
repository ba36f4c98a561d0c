/** Frees parts of a file that others write, without a change of its length: util-linux' fallocate. */

/** Frees `length` bytes from `offset`; false where the host or its filesystem cannot. */
export type FreeRange = (path: string, offset: number, length: number) => Promise<boolean>;

/** Of the host. It runs `sh`, which a worker may run; arguments only, no text of ours in the script. */
export function hostFreeRange(searchPath: string): FreeRange {
  return async (path, offset, length) => {
    const { success } = await new Deno.Command("sh", {
      args: ["-c", SCRIPT, "draas-free", String(offset), String(length), path],
      clearEnv: true,
      env: { PATH: searchPath, LC_ALL: "C" },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  };
}

const SCRIPT = 'exec fallocate --punch-hole --offset "$1" --length "$2" -- "$3"';
