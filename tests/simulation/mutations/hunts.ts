/** Hunts mutations, several at once: each in a copy of the sources of its own, by a process of its own. */
import type { HuntOrder, HuntReport } from "./hunt.ts";
import type { Mutation } from "./mutation.ts";
import { SourceCopy } from "./source_copy.ts";

/** A spoiled program may run without end. */
const SECONDS_MAX = 300;

export interface Hunted {
  mutation: Mutation;
  /** Null: the program did not come to an end, or failed. */
  report: HuntReport | null;
  /** What it said when it failed. */
  complaint: string;
  seconds: number;
}

/** Hunts them all; told of each when it is done, in whatever order. */
export async function huntAll(
  mutations: readonly Mutation[],
  jobs: number,
  onHunted: (hunted: Hunted) => void = () => {},
): Promise<Hunted[]> {
  const left = mutations.values();
  const all: Hunted[] = [];
  const work = async () => {
    const copy = SourceCopy.make();
    try {
      for (const mutation of left) {
        const hunted = await hunt(mutation, copy);
        all.push(hunted);
        onHunted(hunted);
      }
    } finally {
      copy.remove();
    }
  };
  await Promise.all(Array.from({ length: Math.min(jobs, mutations.length) }, work));
  return all.sort((a, b) => mutations.indexOf(a.mutation) - mutations.indexOf(b.mutation));
}

/** A seed that breaks an invariant without the mutation, too, says nothing about it: the next ones are tried. */
async function hunt(mutation: Mutation, copy: SourceCopy): Promise<Hunted> {
  const { draw, seedsMax, noticedBy } = mutation;
  const beganAt = performance.now();
  for (let from = 1;;) {
    copy.spoil(mutation);
    const ran = await run(copy, { draw, from, to: seedsMax, noticedBy });
    copy.mend(mutation);
    const seed = ran.report?.caught?.seed;
    const sound = seed === undefined
      ? null
      : await run(copy, { draw, from: seed, to: seed, noticedBy: [] });
    if (seed === undefined || sound?.report?.other === null) {
      return { mutation, ...ran, seconds: (performance.now() - beganAt) / 1_000 };
    }
    from = seed + 1;
  }
}

async function run(
  copy: SourceCopy,
  order: HuntOrder,
): Promise<Pick<Hunted, "report" | "complaint">> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--quiet",
      "--no-prompt",
      "--no-check",
      "--cached-only",
      // Libraries of ours look there for how much they should say.
      "--allow-env",
      "tests/simulation/mutations/hunt.ts",
      JSON.stringify(order),
    ],
    cwd: copy.folder,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const giveUp = setTimeout(() => child.kill("SIGKILL"), SECONDS_MAX * 1_000);
  const { success, stdout, stderr, signal } = await child.output();
  clearTimeout(giveUp);
  return {
    report: success ? JSON.parse(new TextDecoder().decode(stdout)) : null,
    complaint: signal === null
      ? new TextDecoder().decode(stderr).slice(0, 2_000)
      : `no end after ${SECONDS_MAX} s`,
  };
}
