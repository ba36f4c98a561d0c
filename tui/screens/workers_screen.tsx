/** Draws the workers, and below them what the chosen one runs. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { Lines, LineView } from "../components/lines.tsx";
import { workersTable } from "../model/workers_table.ts";
import type { ScreenProps } from "./screen_props.ts";

export function WorkersScreen({ model }: ScreenProps): ReactElement {
  const { head, rows, gap, below } = workersTable(model);
  const isStale = model.connection.kind !== "live";
  return (
    <Box flexDirection="column">
      <LineView line={head} />
      {rows.map(({ line, isChosen }, at) => (
        <LineView key={at} line={line} isChosen={isChosen} isDimmed={isStale} />
      ))}
      <Box height={gap} />
      <Lines lines={below} />
    </Box>
  );
}
