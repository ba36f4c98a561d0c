/** The whole terminal: the lines around, the present screen, and what lies over it. It only draws. */
import { Box } from "ink";
import type { ReactElement } from "react";
import { boxOf } from "../model/boxes.ts";
import { crumbLine, detailLine, hintLine, tinyLines, titleLine } from "../model/chrome.ts";
import { layoutOf } from "../model/layout.ts";
import { lineOf } from "../model/line.ts";
import type { Model } from "../model/model.ts";
import { present } from "../model/places.ts";
import { SCREEN_VIEWS } from "../screens/screen_views.tsx";
import { Lines, LineView } from "./lines.tsx";

/** Never fills the last column or row: a terminal that wraps there would scroll. */
export function Frame({ model }: { model: Model }): ReactElement {
  const layout = layoutOf(model.terminal);
  const { width, height, body } = layout;
  if (layout.isTiny) {
    return (
      <Box flexDirection="column" width={width} height={height} overflow="hidden">
        <Lines lines={tinyLines(model, model.terminal).slice(0, height)} />
      </Box>
    );
  }
  const Screen = SCREEN_VIEWS[present(model.places).screen];
  const box = boxOf(model);
  return (
    <Box flexDirection="column" width={width} height={height} overflow="hidden">
      <LineView line={titleLine(model, width)} />
      <LineView line={crumbLine(model, width)} />
      <Box flexDirection="column" width={width} height={body} overflow="hidden">
        <Screen model={model} layout={layout} />
        {box && (
          <Box position="absolute" top={box.top} left={box.left}>
            <Lines lines={box.lines} />
          </Box>
        )}
      </Box>
      {layout.hasRule && <LineView line={lineOf("─".repeat(width), "quiet")} />}
      <LineView line={detailLine(model, width)} />
      <LineView line={hintLine(model, width)} />
    </Box>
  );
}
