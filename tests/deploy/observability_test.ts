/** The example dashboard, scrape configuration and alerts: they read, name metrics that there are, and say what to do. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { parse } from "yaml";
import { METRICS } from "../../adapters/prometheus/metric_table.ts";
import { NodeMetrics } from "../../adapters/prometheus/node_metrics.ts";
import { ManualClock } from "../adapters/manual_clock.ts";
import { isOnPath } from "../support/tools.ts";

interface Rule {
  alert: string;
  expr: string;
  labels: { severity: string };
  annotations: { summary: string; runbook: string };
}

interface Panel {
  type: string;
  title: string;
  targets?: { expr: string; legendFormat: string }[];
}

const FOLDER = new URL("../../deploy/observability/", import.meta.url);
const read = (name: string) => Deno.readTextFileSync(new URL(name, FOLDER));
const { groups } = parse(read("alerts.yaml")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read("grafana_dashboard.json")) as {
  panels: Panel[];
  templating: { list: { name: string; query: string }[] };
};
const targets = dashboard.panels.flatMap((panel) => panel.targets ?? []);
const expressions = [
  ...rules.map(({ expr }) => expr),
  ...targets.map(({ expr }) => expr),
  ...dashboard.templating.list.map(({ query }) => query),
];
const metrics = new Map(Object.values(METRICS).map((metric) => [metric.name as string, metric]));
/** What Prometheus itself adds. */
const OWN_LABELS = ["job", "instance"];

/** The metric that a name in an expression belongs to. */
function metricOf(name: string) {
  const family = name.replace(/_(bucket|sum|count)$/, "");
  const histogram = metrics.get(family);
  return histogram?.type === "histogram" && family !== name ? histogram : metrics.get(name);
}

const namesIn = (expr: string) =>
  [...expr.matchAll(/\b(?:draas|process)_[a-z_]+/g)].map(([n]) => n);

Deno.test("dashboard and alerts name metrics that there are, with labels that they have", () => {
  for (const expr of expressions) {
    for (const [, name = "", matchers = ""] of expr.matchAll(/\b([a-z]+_[a-z_]+)\{([^}]*)\}/g)) {
      const known = [...metricOf(name)?.labels ?? [], ...OWN_LABELS];
      for (const [, label = ""] of matchers.matchAll(/(\w+)=/g)) {
        assert(known.includes(label), `${name} has no label ${label}: ${expr}`);
      }
    }
    for (const name of namesIn(expr)) assert(metricOf(name), `there is no ${name}: ${expr}`);
    const known = [...namesIn(expr).flatMap((name) => metricOf(name)!.labels), ...OWN_LABELS, "le"];
    for (const [, labels = ""] of expr.matchAll(/\b(?:by|on) \(([^)]*)\)/g)) {
      for (const label of labels.split(", ")) assert(known.includes(label), `${label}: ${expr}`);
    }
  }
});

Deno.test("each metric is looked at by the dashboard or an alert", () => {
  const named = new Set(expressions.flatMap(namesIn).map((name) => metricOf(name)?.name));
  assertEquals([...metrics.keys()].filter((name) => !named.has(name as never)), []);
});

Deno.test("each line of a panel is named by labels that its expression leaves", () => {
  for (const { expr, legendFormat } of targets) {
    const known = [...namesIn(expr).flatMap((name) => metricOf(name)!.labels), ...OWN_LABELS];
    for (const [, label = ""] of legendFormat.matchAll(/{{(\w+)}}/g)) {
      assert(known.includes(label), `${label} in ${legendFormat}`);
    }
  }
});

Deno.test("each alert says what is so, and what to do, at a place of the documentation", () => {
  const text = Deno.readTextFileSync(new URL("../../docs/operate.md", import.meta.url));
  const anchors = [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
    title.toLowerCase().replace(/[^\w\- ]/g, "").replaceAll(" ", "-")
  );
  for (const { alert, labels, annotations: { summary, runbook } } of rules) {
    assertMatch(alert, /^Draas[A-Z]\w+$/);
    assert(["warning", "critical"].includes(labels.severity), alert);
    assert(summary.length > 10 && !summary.endsWith("."), alert);
    const [, anchor = ""] = /\. See docs\/operate\.md#([\w-]+)\.$/.exec(runbook) ?? [];
    assert(anchors.includes(anchor), `${alert}: there is no section ${anchor}`);
  }
  assertEquals(new Set(rules.map(({ alert }) => alert)).size, rules.length);
});

Deno.test("Prometheus is told where the metrics are, with the token in a file", () => {
  const { rule_files, scrape_configs: [scrape] } = parse(read("prometheus.yaml"));
  assertEquals(rule_files, ["alerts.yaml"]);
  assertEquals([scrape.job_name, scrape.metrics_path], ["draas", "/metrics"]);
  assert(scrape.authorization.credentials_file.startsWith("/"));
  assert(rules.every(({ expr }) => !expr.includes("job=") || expr.includes('job="draas"')));
});

if (isOnPath("promtool")) {
  // Of Debian's package prometheus; where it is not, what it would refuse is for the tests above.
  const promtool = async (args: string[], input: string | null = null) => {
    const child = new Deno.Command("promtool", {
      args,
      cwd: FOLDER,
      stdin: input === null ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    if (input !== null) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(input));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const text = new TextDecoder();
    return { code, said: text.decode(stdout) + text.decode(stderr) };
  };

  Deno.test("Prometheus itself takes the files, and what a node tells", async () => {
    for (
      const args of [["check", "rules", "alerts.yaml"], [
        "check",
        "config",
        "--syntax-only",
        "prometheus.yaml",
      ]]
    ) {
      const { code, said } = await promtool(args);
      assertEquals(code, 0, said);
    }
    const node = new NodeMetrics({
      clock: new ManualClock(),
      version: "1.2.3",
      denoVersion: "2.9.6",
      processFigures: () => ({ memoryBytes: 1, heapBytes: 1, cpuSeconds: 1 }),
    });
    node.asked("start", "done", 12);
    node.answered({ method: "GET", route: "/healthz", status: 200, tookMs: 1.5 });
    const checked = await promtool(["check", "metrics"], await node.text());
    assertEquals(checked, { code: 0, said: "" });
  });
}
