/** What was answered, counted: by status, and by what of the document was seen. */
import type { DocumentedApi, Operation } from "../support/documented_api.ts";

export class Tally {
  sent = 0;
  private readonly statuses = new Map<number, number>();
  private readonly seen = new Set<string>();

  /** @param operation undefined: the document has none for the request */
  count(operation: Operation | undefined, status: number): void {
    this.sent++;
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1);
    if (operation) this.seen.add(`${operation.method} ${operation.path} ${status}`);
  }

  /** Answers with what was asked for that were never given: nothing was learned of them. */
  unseen({ operations }: DocumentedApi): string[] {
    return operations.flatMap(({ method, path, responses }) =>
      Object.keys(responses).filter((status) => Number(status) < 300)
        .map((status) => `${method} ${path} ${status}`)
    ).filter((answer) => !this.seen.has(answer));
  }

  /** `200: 12, 404: 3`. */
  toString(): string {
    return [...this.statuses].sort(([a], [b]) => a - b)
      .map(([status, count]) => `${status}: ${count}`).join(", ");
  }
}
