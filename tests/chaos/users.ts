/** Random users of the API: what they ask, what they were told, and what they ask again under the same key. */
import { comparePositions, type Position, START } from "../../events/envelope.ts";
import type { JsonObject } from "../../events/json.ts";
import type { Chance } from "./chance.ts";
import type { Answered, Asked } from "../history/history_checker.ts";
import { SEATS } from "./seats.ts";

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

/** Two requests under one key. */
export interface Repetition {
  first: Asked;
  again: Asked;
}

const INSTANCES = "/api/server/instances";
const KEYED_MAX = 60;
const PAUSE_MS_MAX = 40;
const KINDS = {
  start: 30,
  stop: 18,
  restart: 12,
  configure: 8,
  delete: 6,
  forcedDelete: 5,
  repeat: 16,
  slay: 5,
} as const;

/** The users, for as many lives of the control plane as there are. */
export class Users {
  /** The instance in each seat; null when it is to be created. */
  readonly seats: (string | null)[] = SEATS.map(() => null);
  /** Since the last `takeAsked`. */
  #asked: Asked[] = [];
  #repetitions: Repetition[] = [];
  readonly #keyed: Keyed[] = [];
  readonly #floors = new Map<string, Position>();
  #count = 0;

  /** @param slay kills a live server of an instance from outside */
  constructor(
    private readonly chance: Chance,
    private readonly name: string,
    private readonly slay: (instanceId: string) => void,
  ) {}

  get count(): number {
    return this.#count;
  }

  /** What was asked and how it was answered, since the last call. */
  takeAsked(): { asked: Asked[]; repetitions: Repetition[] } {
    const taken = { asked: this.#asked, repetitions: this.#repetitions };
    this.#asked = [];
    this.#repetitions = [];
    return taken;
  }

  /** `crowd` users ask one thing after the other until `stopping` is aborted; resolves when all have been answered. */
  async ask(
    url: string,
    client: Deno.HttpClient,
    crowd: number,
    stopping: AbortSignal,
  ): Promise<void> {
    const user = async () => {
      while (!stopping.aborted) {
        const wires = this.#next();
        await Promise.all(
          wires.map(({ wire, kind, seat, keyed }) =>
            this.#send(url, client, wire, kind, seat, keyed)
          ),
        );
        await new Promise((done) => setTimeout(done, this.chance.below(PAUSE_MS_MAX)));
      }
    };
    await Promise.all(Array.from({ length: crowd }, user));
  }

  /** Seats instances whose create nobody was told of, and forgets those that are gone; gives those without a seat. */
  seat(fleet: readonly { id: string; name: string }[]): string[] {
    const present = new Set(fleet.map(({ id }) => id));
    SEATS.forEach((_, index) => {
      if (!present.has(this.seats[index] ?? "")) this.seats[index] = null;
    });
    return fleet.flatMap(({ id, name }) => {
      const index = SEATS.findIndex((seat) => seat.name === name);
      this.seats[index] ??= id;
      return this.seats[index] === id ? [] : [id];
    });
  }

  /** Asks for the end of these instances; gives what would not go. */
  async remove(url: string, client: Deno.HttpClient, ids: readonly string[]): Promise<string[]> {
    const answers = await Promise.all(ids.map(async (id) => {
      const wire = { method: "DELETE", path: `${INSTANCES}/${id}`, body: null, key: null };
      const seat = this.seats.indexOf(id);
      const { answer } = await this.#send(url, client, wire, "delete", seat, null);
      return [204, 410].includes(answer?.status ?? 0) ? [] : [`${id}: ${JSON.stringify(answer)}`];
    }));
    return answers.flat();
  }

  /** One request, or the same one from several users at once. */
  #next(): { wire: Wire; kind: Asked["kind"]; seat: number; keyed: Keyed | null }[] {
    const seat = this.chance.below(SEATS.length);
    const instanceId = this.seats[seat];
    const kind = this.chance.weighted(KINDS);
    if (kind === "repeat" && this.#keyed.length > 0) {
      const keyed = this.chance.oneOf(this.#keyed);
      return [{ wire: keyed.wire, kind: keyed.first.kind, seat: -1, keyed }];
    }
    if (!instanceId) return [this.#one("create", seat, "POST", INSTANCES, SEATS[seat]!.creation)];
    const path = `${INSTANCES}/${instanceId}`;
    switch (kind) {
      case "slay":
      case "repeat":
        this.slay(instanceId);
        return [];
      case "configure": {
        const serverConfiguration = {
          ...SEATS[seat]!.creation.serverConfiguration as JsonObject,
          env: { REVISION: String(this.#count) },
        };
        return [this.#one(kind, seat, "PATCH", path, { serverConfiguration })];
      }
      case "delete":
        return [this.#one("delete", seat, "DELETE", path, null)];
      case "forcedDelete":
        return [this.#one("delete", seat, "DELETE", `${path}?force=true`, null)];
      default: {
        const query = this.chance.happens(0.2) ? "?wait=false" : "";
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

  async #send(
    url: string,
    client: Deno.HttpClient,
    wire: Wire,
    kind: Asked["kind"],
    seat: number,
    keyed: Keyed | null,
  ): Promise<Asked> {
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
    asked.answer = await answerTo(url, client, wire, asked.requestId);
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
    if (keyed.first.answer === null) keyed.first = again;
    else this.#repetitions.push({ first: keyed.first, again });
  }

  #remember(keyed: Keyed): void {
    this.#keyed.push(keyed);
    if (this.#keyed.length > KEYED_MAX) this.#keyed.splice(this.chance.below(KEYED_MAX), 1);
  }
}

async function answerTo(
  url: string,
  client: Deno.HttpClient,
  { method, path, body, key }: Wire,
  requestId: string,
): Promise<Answered | null> {
  try {
    const response = await fetch(`${url}${path}`, {
      method,
      client,
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
    if (
      error instanceof TypeError || error instanceof Deno.errors.Http ||
      error instanceof SyntaxError
    ) return null;
    throw error;
  }
}

function instanceOf(path: string): string | null {
  return /^\/api\/server\/instances\/([^/?]+)/.exec(path)?.[1] ?? null;
}
