/** Draws what instances print. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { LineView } from "../components/lines.tsx";
import { logRows } from "../model/logs_rows.ts";
import type { ScreenProps } from "./screen_props.ts";

export function LogsScreen({ model }: ScreenProps): ReactElement {
  const isStale = model.connection.kind !== "live";
  return (
    <Box flexDirection="column">
      {logRows(model).map((line, at) => <LineView key={at} line={line} isDimmed={isStale} />)}
    </Box>
  );
}
