/** The table of metrics in the documentation is the one in the code. */
import { assertEquals } from "@std/assert";
import { METRICS } from "../../adapters/prometheus/metric_table.ts";

Deno.test("the documentation has each metric, with its labels and what it is, and no other", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/operate.md", import.meta.url));
  const [, section = ""] = /\n### Metrics\n([^]*?)\n### /.exec(text) ?? [];
  const rows = section.split("\n").filter((line) => line.startsWith("| `"))
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
  assertEquals(
    rows,
    Object.values(METRICS).map(({ name, labels, help }) => [
      `\`${name}\``,
      labels.map((label) => `\`${label}\``).join(" "),
      help,
    ]),
  );
});
