/**
 * Which instance has which port of the host: picks free ones from the host's range, keeps an instance's port for it, and
 * knows of those that are taken by a server that does not listen yet.
 */
import type { PortRange } from "../policy/host_policy.ts";
import type { Failure } from "../platform.ts";

interface Claim {
  instanceId: string;
  host: string;
}

const ANY_ADDRESS = "0.0.0.0";

/** The ports of one site. What other programs listen on is found out by trying. */
export class PortBook {
  readonly #site: string;
  readonly #range: PortRange;
  readonly #isFree: (host: string, port: number) => boolean;
  readonly #claims = new Map<number, Claim>();
  readonly #ports = new Map<string, number>();

  /**
   * @param site so that the workers of one host begin to look in different places
   * @param isFree whether somebody could listen there right now
   */
  constructor(
    site: string,
    range: PortRange,
    isFree: (host: string, port: number) => boolean,
  ) {
    this.#site = site;
    this.#range = range;
    this.#isFree = isFree;
  }

  /** The instance has this port: it is not given to another one while there are free ones. */
  note(instanceId: string, host: string, port: number): void {
    const before = this.#ports.get(instanceId);
    if (before !== undefined && this.#claims.get(before)?.instanceId === instanceId) {
      this.#claims.delete(before);
    }
    this.#claims.set(port, { instanceId, host });
    this.#ports.set(instanceId, port);
  }

  /** The instance had this port last. What is known of it or of the port already is newer. */
  noteEnded(instanceId: string, host: string, port: number): void {
    const known = this.#ports.get(instanceId) ?? port;
    if (known === port && !this.#claims.has(port)) this.note(instanceId, host, port);
  }

  /** The instance is gone. */
  release(instanceId: string): void {
    const port = this.#ports.get(instanceId);
    this.#ports.delete(instanceId);
    if (port !== undefined && this.#claims.get(port)?.instanceId === instanceId) {
      this.#claims.delete(port);
    }
  }

  /** Another instance that has this port on this address, or on all; null if there is none. */
  otherClaimant(instanceId: string, host: string, port: number): string | null {
    const claim = this.#claims.get(port);
    if (claim === undefined || claim.instanceId === instanceId) return null;
    const isShared = claim.host === host || claim.host === ANY_ADDRESS || host === ANY_ADDRESS;
    return isShared ? claim.instanceId : null;
  }

  /**
   * A port that is free right now, and noted for the instance: the one that it had, else one that no other has had, else
   * any. Each instance begins to look in a place of its own, so that workers that share a host seldom meet.
   * @param last the one that its records name; null where they name none
   */
  pick(
    instanceId: string,
    host: string,
    last: number | null = null,
  ): { port: number } | Failure {
    const { from, to } = this.#range;
    const size = to - from + 1;
    const own = this.#ports.get(instanceId) ?? last ?? 0;
    const isOwn = own >= from && own <= to &&
      (this.#claims.get(own)?.instanceId ?? instanceId) === instanceId;
    if (isOwn && this.#isFree(host, own)) return this.#give(instanceId, host, own);
    const begin = placeOf(`${this.#site}/${instanceId}`, size);
    const taken: number[] = [];
    for (let step = 0; step < size; step++) {
      const port = from + (begin + step) % size;
      if (this.#claims.has(port)) taken.push(port);
      else if (this.#isFree(host, port)) return this.#give(instanceId, host, port);
    }
    const left = taken.find((port) => this.#isFree(host, port));
    if (left !== undefined) return this.#give(instanceId, host, left);
    return {
      code: "ports_exhausted",
      message: `All ports from ${from} to ${to} of this worker's host are in use. ` +
        "Stop something, or give it more: `ports` in its worker.yaml.",
      retryable: true,
    };
  }

  #give(instanceId: string, host: string, port: number): { port: number } {
    this.note(instanceId, host, port);
    return { port };
  }
}

/** Spreads ids over `size` places (FNV-1a). */
function placeOf(id: string, size: number): number {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ character.codePointAt(0)!, 0x01000193) >>> 0;
  return hash % size;
}
