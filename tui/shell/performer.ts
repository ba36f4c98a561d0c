/** Does what the model wants done in the world, and posts what came of it. Never throws, never blocks a key. */
import { OperationalError } from "../../events/errors.ts";
import type { FleetPort } from "../../http/client/fleet_port.ts";
import type { SystemAction } from "../model/action.ts";
import type { AskResult, Effect, Failure, Query } from "../model/effect.ts";
import { answerTo, ask } from "./answering.ts";
import { failureOf } from "./failures.ts";
import { MOUSE_OFF, MOUSE_ON } from "./mouse_reports.ts";
import type { TuiHost } from "./host.ts";

export interface PerformerParts {
  fleet: FleetPort;
  host: TuiHost;
  post(action: SystemAction): void;
  /** Gives the terminal away while `use` runs, and draws everything anew after it. */
  lend(use: () => Promise<void>): Promise<void>;
  quit(): void;
}

/** So many requests are under way at once; the others wait for their turn. */
const ASKS_MAX = 16;

type EffectOf<Kind extends Effect["kind"]> = Extract<Effect, { kind: Kind }>;

export class Performer {
  private readonly waiting: EffectOf<"ask">[] = [];
  private asking = 0;
  /** The newest question of each slot: answers to older ones are of no use any more. */
  private readonly newest = new Map<string, number>();
  private questions = 0;
  private hasMouse = false;
  private readonly following = new Map<string, AbortController>();

  constructor(private readonly parts: PerformerParts) {}

  perform(effect: Effect): void {
    const { host, quit } = this.parts;
    switch (effect.kind) {
      case "ask":
        this.waiting.push(effect);
        return this.askNext();
      case "query":
        return void this.query(effect.slot, effect.query);
      case "follow":
        return void this.follow(effect);
      case "unfollow":
        return this.following.get(effect.slot)?.abort();
      case "worker":
        return void this.deed(effect.slot, () => this.askWorker(effect));
      case "copy":
        return host.write(`\u001b]52;c;${base64Of(effect.text)}\u0007`);
      case "mouse":
        this.hasMouse = effect.isOn;
        return host.write(effect.isOn ? MOUSE_ON : MOUSE_OFF);
      case "edit":
        return void this.edit(effect);
      case "save":
        return void this.deed(effect.slot, () => host.saveNew(effect.path, effect.text));
      case "suspend":
        return void this.lent(() => this.stop());
      case "redraw":
        return void this.lent(async () => {});
      case "quit":
        return quit();
    }
  }

  /** Lets go of the mouse and of everything that is followed; what was asked goes its way. */
  close(): void {
    if (this.hasMouse) this.parts.host.write(MOUSE_OFF);
    this.waiting.length = 0;
    for (const one of this.following.values()) one.abort();
  }

  private askNext(): void {
    if (this.asking >= ASKS_MAX) return;
    const effect = this.waiting.shift();
    if (effect === undefined) return;
    this.asking++;
    void this.resultOf(effect).then((result) => {
      this.asking--;
      const { job, instanceId } = effect;
      this.parts.post({ type: "asked", job, instanceId, result });
      this.askNext();
    });
  }

  private async resultOf({ instanceId, request }: EffectOf<"ask">): Promise<AskResult> {
    const { fleet, host } = this.parts;
    try {
      return await ask(fleet, instanceId, request, host.ids.next("request"));
    } catch (error) {
      return { kind: "failed", failure: this.failure(error) };
    }
  }

  private async query(slot: string, query: Query): Promise<void> {
    const question = ++this.questions;
    this.newest.set(slot, question);
    const action = await this.answer(slot, query);
    if (this.newest.get(slot) !== question) return;
    this.newest.delete(slot);
    this.parts.post(action);
  }

  private async answer(slot: string, query: Query): Promise<SystemAction> {
    try {
      return { type: "answered", slot, answer: await answerTo(this.parts.fleet, query) };
    } catch (error) {
      return { type: "unanswered", slot, failure: this.failure(error) };
    }
  }

  private async follow({ slot, instanceId, wish }: EffectOf<"follow">): Promise<void> {
    this.following.get(slot)?.abort();
    const ending = new AbortController();
    const { signal } = ending;
    this.following.set(slot, ending);
    const { fleet, post } = this.parts;
    try {
      for await (const followed of fleet.output.follow(instanceId, wish, signal)) {
        if (signal.aborted) break;
        post({ type: "followed", slot, followed });
      }
    } catch (error) {
      const followed = { kind: "failed", failure: this.failure(error) } as const;
      if (!signal.aborted) post({ type: "followed", slot, followed });
    } finally {
      if (this.following.get(slot) === ending) this.following.delete(slot);
    }
  }

  private async askWorker({ workerId, verb }: EffectOf<"worker">): Promise<void> {
    const { fleet, host } = this.parts;
    await fleet.workers.ask(workerId, verb, host.ids.next("request"));
  }

  private async deed(slot: string, run: () => Promise<void>): Promise<void> {
    let failure: Failure | null = null;
    try {
      await run();
    } catch (error) {
      failure = this.failure(error);
    }
    this.parts.post({ type: "done", slot, failure });
  }

  private async edit({ slot, text, suffix }: EffectOf<"edit">): Promise<void> {
    let saved: string | null = null;
    let failure: Failure | null = null;
    await this.lent(async () => {
      try {
        saved = await this.parts.host.edit(text, suffix);
      } catch (error) {
        failure = this.failure(error);
      }
    });
    this.parts.post({ type: "edited", slot, text: saved === text ? null : saved, failure });
  }

  private async stop(): Promise<void> {
    if (await this.parts.host.stop()) return;
    this.parts.post({ type: "notice", text: "There is no shell here to go back to." });
  }

  private async lent(use: () => Promise<void>): Promise<void> {
    const { host, lend } = this.parts;
    try {
      if (this.hasMouse) host.write(MOUSE_OFF);
      await lend(use);
      if (this.hasMouse) host.write(MOUSE_ON);
    } catch (error) {
      host.onBug(error);
    }
  }

  private failure(error: unknown): Failure {
    if (!(error instanceof OperationalError)) this.parts.host.onBug(error);
    return failureOf(error);
  }
}

/** For OSC 52. */
function base64Of(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
}
