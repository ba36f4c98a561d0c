/** Draws the fleet's table. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { Lines, LineView } from "../components/lines.tsx";
import { fleetTable } from "../model/fleet_table.ts";
import type { ScreenProps } from "./screen_props.ts";

export function FleetScreen({ model }: ScreenProps): ReactElement {
  const { head, rows, empty } = fleetTable(model);
  const isStale = model.connection.kind !== "live";
  return (
    <Box flexDirection="column">
      <LineView line={head} />
      {rows.map(({ line, isChosen }, at) => (
        <LineView key={at} line={line} isChosen={isChosen} isDimmed={isStale} />
      ))}
      <Lines lines={empty} />
    </Box>
  );
}
