/** Draws lines: the one place where tones become looks of the terminal. */
import { Box, Text } from "ink";
import {
  createContext,
  memo,
  type NamedExoticComponent,
  type ReactElement,
  useContext,
} from "react";
import type { Line } from "../model/line.ts";
import { type Capabilities, type Drawing, painted } from "../theme.ts";

/** What the terminal can show. */
export const TerminalContext = createContext<Capabilities>({
  hasStyles: true,
  hasColor: false,
  hasUnicode: true,
});

export interface LineProps extends Drawing {
  line: Line;
}

/** One line; it is never wrapped. Drawn again only when it says something else. */
export const LineView: NamedExoticComponent<LineProps> = memo(DrawnLine, isSame);

/** With its sequences in the text: a component for each span costs more than all the rest of a frame. */
function DrawnLine({ line, ...drawing }: LineProps): ReactElement {
  const terminal = useContext(TerminalContext);
  return <Text wrap="truncate">{painted(line, terminal, drawing) || " "}</Text>;
}

/** Lines one below the other. */
export function Lines({ lines }: { lines: readonly Line[] }): ReactElement {
  return (
    <Box flexDirection="column">
      {lines.map((line, at) => <LineView key={at} line={line} />)}
    </Box>
  );
}

function isSame(a: LineProps, b: LineProps): boolean {
  return a.isChosen === b.isChosen && a.isDimmed === b.isDimmed &&
    a.line.length === b.line.length &&
    a.line.every(({ text, tone }, at) => b.line[at]!.text === text && b.line[at]!.tone === tone);
}
