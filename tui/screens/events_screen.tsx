/** Draws the fleet's log. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { Lines, LineView } from "../components/lines.tsx";
import { eventsTable } from "../model/events_table.ts";
import type { ScreenProps } from "./screen_props.ts";

export function EventsScreen({ model }: ScreenProps): ReactElement {
  const { head, rows, empty } = eventsTable(model);
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
