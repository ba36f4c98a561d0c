/** What the screen of one instance keeps: what was asked of it besides the fleet, and where one is in it. Pure. */
import type { DifferenceAnswer, ExplanationAnswer } from "../../http/client/answers.ts";

export interface InstanceScreenState {
  /** From what runs to what is configured; null: not known, or there is none. */
  difference: DifferenceAnswer | null;
  /** Null: not known yet. */
  explanation: ExplanationAnswer | null;
  /** The chain of causes is shown, instead of all that is known. */
  isWhy: boolean;
  /** The first line in sight. */
  top: number;
  /** When it was asked last (epoch milliseconds), and whether the answer is still to come. */
  asked: { at: number; isOpen: boolean };
  /** Why it could not be read, printable; empty: it could. */
  problem: string;
}

export const INSTANCE_SCREEN: InstanceScreenState = {
  difference: null,
  explanation: null,
  isWhy: false,
  top: 0,
  asked: { at: 0, isOpen: false },
  problem: "",
};
