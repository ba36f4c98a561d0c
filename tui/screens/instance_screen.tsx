/** Draws all that is known of one instance. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { LineView } from "../components/lines.tsx";
import { instanceRows } from "../model/instance_lines.ts";
import type { ScreenProps } from "./screen_props.ts";

export function InstanceScreen({ model }: ScreenProps): ReactElement {
  const isStale = model.connection.kind !== "live";
  return (
    <Box flexDirection="column">
      {instanceRows(model).map((line, at) => <LineView key={at} line={line} isDimmed={isStale} />)}
    </Box>
  );
}
