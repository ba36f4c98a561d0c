/** What every screen is given to draw. */
import type { Layout } from "../model/layout.ts";
import type { Model } from "../model/model.ts";

export interface ScreenProps {
  model: Model;
  layout: Layout;
}
