/** A thread that runs seeds: the entry of its own module graph. */
import { drawPlan } from "../draw_plan.ts";
import { runPlan } from "../run_plan.ts";
import { serveShard } from "./serve_shard.ts";

serveShard({ drawPlan, runPlan }, self as unknown as Parameters<typeof serveShard>[1]);
