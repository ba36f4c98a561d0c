/** What the fleet's screen keeps while it is not shown too: where one is in it, and what is marked. Pure. */
import { AT_TOP, type ListCursor } from "./list_cursor.ts";

export interface FleetScreenState {
  cursor: ListCursor;
  marks: ReadonlySet<string>;
  /** Where a range of marks began, with `v`. */
  rangeFrom: string | null;
}

export const FLEET_SCREEN: FleetScreenState = {
  cursor: AT_TOP,
  marks: new Set(),
  rangeFrom: null,
};
