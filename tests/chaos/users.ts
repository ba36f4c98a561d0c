/** Random users of the API: what they ask, what they were told, and what they ask again under the same key or read. */
import { comparePositions, type Position, START } from "../../events/envelope.ts";
import type { JsonObject } from "../../events/json.ts";
import type { Chance } from "./chance.ts";
import type { Answered, Asked } from "../history/history_checker.ts";
import { type Door, isLost, Sessions } from "./sessions.ts";
import type { Seat } from "./seats.ts";

/** A request as it goes over the wire; kept so that it can be repeated to the letter. */
interface Wire {
  method: string;
  path: string;
  body: JsonObject | null;
  key: string | null;
}

/** A request with a key, and its first answer that counts. */
interface Keyed {
  wire: Wire;
  first: Asked;
}

/** What a user is about to ask. */
interface Plan {
  wire: Wire;
  kind: Asked["kind"];
  seat: number;
  /** What it repeats. */
  keyed: Keyed | null;
}

interface Reading {
  kind: "read";
  instanceId: string;
}

/** Two requests under one key. */
export interface Repetition {
  first: Asked;
  again: Asked;
}

const INSTANCES = "/api/server/instances";
const KEYED_MAX = 60;
const URGENT_MAX = 8;
/** Longer than any time-out of the API's that is asked for, and than a node is frozen. */
const ANSWER_WITHIN_MS = 60_000;
const PAUSE_MS_MAX = 40;
/** This share of the requests whose answers were lost is repeated at once. */
const INSISTING = 0.6;
const KINDS = {
  start: 30,
  stop: 18,
  restart: 12,
  configure: 8,
  delete: 6,
  forcedDelete: 5,
  repeat: 16,
  slay: 5,
  read: 12,
} as const;

/** What a configure changes of a command. */
const ENVIRONMENT = (count: number): JsonObject => ({ env: { REVISION: String(count) } });

/** How they behave, other than by chance. */
export interface Manners {
  /** The kinds of instances that they keep. */
  kinds: readonly Seat[];
  /** Between two things that one user does. */
  pauseMsMax?: number;
  /** Before they ask again when the log is away. */
  retryMs?: number;
  /** How long they wait for the end of what they ask for, for example `8s`; as long as the API does when left out. */
  patience?: string;
}

/** The users, for as many lives of the control plane as there are. */
export class Users {
  /** The instance in each seat; null when it is to be created. */
  readonly seats: (string | null)[];
  /** Since the last `takeAsked`. */
  #asked: Asked[] = [];
  #repetitions: Repetition[] = [];
  readonly #keyed: Keyed[] = [];
  /** Those whose answers were lost, and whose users want to know. */
  #urgent: Keyed[] = [];
  readonly #floors = new Map<string, Position>();
  readonly #sessions = new Sessions();
  readonly #kinds: readonly Seat[];
  #count = 0;

  /** @param slay kills a live server of an instance from outside */
  constructor(
    private readonly chance: Chance,
    private readonly name: string,
    private readonly slay: (instanceId: string) => unknown,
    private readonly manners: Manners,
  ) {
    this.#kinds = manners.kinds;
    this.seats = this.#kinds.map(() => null);
  }

  /** What was read that cannot be. */
  get faults(): readonly string[] {
    return this.#sessions.faults;
  }

  /** How often an instance was read. */
  get reads(): number {
    return this.#sessions.reads;
  }

  /** What was asked and how it was answered, since the last call. */
  takeAsked(): { asked: Asked[]; repetitions: Repetition[] } {
    const taken = { asked: this.#asked, repetitions: this.#repetitions };
    this.#asked = [];
    this.#repetitions = [];
    return taken;
  }

  /**
   * `crowd` users ask one thing after the other until `stopping` is aborted; resolves when all have been answered.
   * @param door the node for the next request; null when none is there
   */
  async ask(door: () => Door | null, crowd: number, stopping: AbortSignal): Promise<void> {
    const { pauseMsMax = PAUSE_MS_MAX, retryMs = 0 } = this.manners;
    const user = async (_: unknown, session: number) => {
      while (!stopping.aborted) {
        const wires = this.#next();
        await Promise.all(wires.map(async (one) => {
          const at = door();
          if (at === null) return;
          if (one.kind === "read") return await this.#sessions.read(at, session, one.instanceId);
          const asked = await this.#send(at, one);
          this.#sessions.learn(session, asked);
          if (asked.answer?.status === 503) await new Promise((done) => setTimeout(done, retryMs));
        }));
        await new Promise((done) => setTimeout(done, this.chance.below(pauseMsMax)));
      }
    };
    await Promise.all(Array.from({ length: crowd }, user));
  }

  /** Seats instances whose create nobody was told of, and forgets those that are gone; gives those without a seat. */
  seat(fleet: readonly { id: string; name: string }[]): string[] {
    const present = new Set(fleet.map(({ id }) => id));
    this.#kinds.forEach((_, index) => {
      if (!present.has(this.seats[index] ?? "")) this.seats[index] = null;
    });
    return fleet.flatMap(({ id, name }) => {
      const index = this.#kinds.findIndex((seat) => seat.name === name);
      this.seats[index] ??= id;
      return this.seats[index] === id ? [] : [id];
    });
  }

  /** Asks for the end of these instances; gives what would not go. */
  async remove(door: Door, ids: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(ids.map(async (id) => {
      const wire = { method: "DELETE", path: `${INSTANCES}/${id}`, body: null, key: null };
      const seat = this.seats.indexOf(id);
      const { answer } = await this.#send(door, { wire, kind: "delete", seat, keyed: null });
      return [204, 410].includes(answer?.status ?? 0) ? [] : [`${id}: ${JSON.stringify(answer)}`];
    }));
    return answers.flat();
  }

  /** One request, or the same one from several users at once. */
  #next(): (Plan | Reading)[] {
    const seat = this.chance.below(this.#kinds.length);
    const instanceId = this.seats[seat];
    const kind = this.chance.weighted(KINDS);
    const urgent = this.#urgent.pop();
    const keyed = urgent ?? (kind === "repeat" ? this.#keyed[this.#anyKeyed()] : undefined);
    if (keyed) return [{ wire: keyed.wire, kind: keyed.first.kind, seat: -1, keyed }];
    if (!instanceId) {
      return [this.#one("create", seat, "POST", INSTANCES, this.#kinds[seat]!.creation)];
    }
    const path = `${INSTANCES}/${instanceId}`;
    switch (kind) {
      case "read":
        return [{ kind, instanceId }];
      case "slay":
      case "repeat":
        this.slay(instanceId);
        return [];
      case "configure": {
        const { creation, change = ENVIRONMENT } = this.#kinds[seat]!;
        const serverConfiguration = {
          ...creation.serverConfiguration as JsonObject,
          ...change(this.#count),
        };
        return [this.#one(kind, seat, "PATCH", path, { serverConfiguration })];
      }
      case "delete":
        return [this.#one("delete", seat, "DELETE", path, null)];
      case "forcedDelete":
        return [this.#one("delete", seat, "DELETE", `${path}?force=true`, null)];
      default: {
        const { patience } = this.manners;
        const waits = patience === undefined ? "" : `?timeout=${patience}`;
        const query = this.chance.happens(0.2) ? "?wait=false" : waits;
        const crowd = this.chance.happens(0.12) ? 3 : 1;
        return Array.from(
          { length: crowd },
          () => this.#one(kind, seat, "POST", `${path}/${kind}${query}`, null),
        );
      }
    }
  }

  #one(kind: Asked["kind"], seat: number, method: string, path: string, body: JsonObject | null) {
    const key = this.chance.happens(0.35) ? `${this.name}-${++this.#count}` : null;
    return { wire: { method, path, body, key }, kind, seat, keyed: null };
  }

  #anyKeyed(): number {
    return this.chance.below(Math.max(1, this.#keyed.length));
  }

  async #send(door: Door, { wire, kind, seat, keyed }: Plan): Promise<Asked> {
    const instanceId = instanceOf(wire.path);
    const asked: Asked = {
      requestId: `${this.name}-request-${++this.#count}`,
      isRepetition: keyed !== null,
      kind,
      instanceId,
      floor: (instanceId && this.#floors.get(instanceId)) ?? START,
      answer: null,
    };
    this.#asked.push(asked);
    // The first answer's position lies before what is known now: a repetition is no new effect.
    if (keyed) asked.floor = START;
    asked.answer = await answerTo(door, wire, asked.requestId);
    this.#learn(asked, seat);
    if (keyed) this.#repeated(keyed, asked);
    else if (wire.key) this.#remember({ wire, first: asked });
    return asked;
  }

  #learn({ answer, kind, instanceId: askedFor }: Asked, seat: number): void {
    if (answer === null) return;
    const instanceId = askedFor ?? answer.instanceId;
    if (instanceId && answer.position) {
      const known = this.#floors.get(instanceId) ?? START;
      if (comparePositions(answer.position, known) > 0) {
        this.#floors.set(instanceId, answer.position);
      }
    }
    if (seat < 0) return;
    if (kind === "create" && answer.status === 201) this.seats[seat] ??= answer.instanceId;
    const isGone = (kind === "delete" && answer.status === 204) || answer.code === "deleted";
    if (isGone && this.seats[seat] === instanceId) this.seats[seat] = null;
  }

  #repeated(keyed: Keyed, again: Asked): void {
    if (isPassing(keyed.first.answer)) keyed.first = again;
    else if (!isPassing(again.answer)) this.#repetitions.push({ first: keyed.first, again });
    this.#insist(keyed, again);
  }

  #insist(keyed: Keyed, last: Asked): void {
    const isWorthIt = isPassing(last.answer) && this.chance.happens(INSISTING);
    if (isWorthIt && this.#urgent.length < URGENT_MAX) this.#urgent.push(keyed);
  }

  #remember(keyed: Keyed): void {
    this.#keyed.push(keyed);
    if (this.#keyed.length > KEYED_MAX) this.#keyed.splice(this.chance.below(KEYED_MAX), 1);
    this.#insist(keyed, keyed.first);
  }
}

/** It says nothing for good: no answer, or one that asks to try again. */
function isPassing(answer: Answered | null): boolean {
  return answer === null || answer.status === 503 || answer.code === "outcome_unknown";
}

async function answerTo(
  { url, client }: Door,
  { method, path, body, key }: Wire,
  requestId: string,
): Promise<Answered | null> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      client,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: {
        "x-request-id": requestId,
        ...(body === null ? {} : { "content-type": "application/json" }),
        ...(key === null ? {} : { "idempotency-key": key }),
      },
      body: body === null ? null : JSON.stringify(body),
    });
    const text = await response.text();
    const json = text === "" ? {} : JSON.parse(text);
    return {
      status: response.status,
      code: json.code ?? null,
      position: response.headers.get("draas-position"),
      instanceId: json.id ?? instanceOf(path),
      commandId: json.commandId ?? null,
    };
  } catch (error) {
    // The control plane died in the middle: whether it was done, the log will say.
    if (isLost(error)) return null;
    throw error;
  }
}

function instanceOf(path: string): string | null {
  return /^\/api\/server\/instances\/([^/?]+)/.exec(path)?.[1] ?? null;
}
