/** What the screen of workers keeps while it is not shown too. Pure. */
import { AT_TOP, type ListCursor } from "./list_cursor.ts";

export interface WorkersScreenState {
  cursor: ListCursor;
}

export const WORKERS_SCREEN: WorkersScreenState = { cursor: AT_TOP };
