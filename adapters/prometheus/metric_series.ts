/**
 * Counters, gauges and histograms in Prometheus' text format (version 0.0.4). By hand: the library of the field takes
 * ten times as long for each value, and longer to load than all the rest of a control plane.
 */

/** What a metric is, before it has any value. */
export interface Metric {
  /** By Prometheus' conventions: with the unit, and `_total` for what only grows. */
  name: string;
  /** One sentence without a full stop. */
  help: string;
  labels: readonly string[];
}

/** What the values of the labels are, in the order of the metric's `labels`. Never ids: each new one is kept for ever. */
export type LabelValues = readonly string[];

/** A metric that is told one number for each set of labels. */
export class NumberSeries {
  private readonly values = new Map<string, number>();

  constructor(private readonly metric: Metric, private readonly type: "counter" | "gauge") {}

  add(labels: LabelValues, by = 1): void {
    const key = keyOf(labels);
    this.values.set(key, (this.values.get(key) ?? 0) + by);
  }

  set(labels: LabelValues, value: number): void {
    this.values.set(keyOf(labels), value);
  }

  /** What is set anew at each look begins with nothing: what is gone is told no longer. */
  clear(): void {
    this.values.clear();
  }

  text(): string {
    const { metric, type } = this;
    const lines = [...this.values].map(([key, value]) =>
      `${metric.name}${labelText(metric.labels, key)} ${numberText(value)}\n`
    );
    return headText(metric, type) + lines.join("");
  }
}

interface Distribution {
  /** How many were at most as large as the bound of this index, and no smaller bound; the last is for all beyond. */
  counts: number[];
  sum: number;
}

/** A metric that tells how values are spread: how many were at most as large as each of its bounds. */
export class HistogramSeries {
  private readonly distributions = new Map<string, Distribution>();

  /** @param bounds ascending */
  constructor(private readonly metric: Metric, private readonly bounds: readonly number[]) {}

  observe(labels: LabelValues, value: number): void {
    const key = keyOf(labels);
    let distribution = this.distributions.get(key);
    if (!distribution) {
      distribution = { counts: new Array(this.bounds.length + 1).fill(0), sum: 0 };
      this.distributions.set(key, distribution);
    }
    let at = 0;
    while (at < this.bounds.length && value > this.bounds[at]!) at++;
    distribution.counts[at]!++;
    distribution.sum += value;
  }

  text(): string {
    const lines = [...this.distributions].map(([key, one]) => this.linesOf(key, one));
    return headText(this.metric, "histogram") + lines.join("");
  }

  private linesOf(key: string, { counts, sum }: Distribution): string {
    const { name, labels } = this.metric;
    let count = 0;
    const buckets = [...this.bounds, Infinity].map((bound, at) => {
      count += counts[at]!;
      return `${name}_bucket${labelText(labels, key, numberText(bound))} ${count}\n`;
    });
    const own = labelText(labels, key);
    return `${buckets.join("")}${name}_sum${own} ${
      numberText(sum)
    }\n${name}_count${own} ${count}\n`;
  }
}

function headText({ name, help }: Metric, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

/** Label values hold no line breaks: they are words of ours, or made so by who gives them. */
function keyOf(labels: LabelValues): string {
  return labels.length === 1 ? labels[0]! : labels.join("\n");
}

function labelText(names: readonly string[], key: string, le?: string): string {
  const values = names.length === 0 ? [] : key.split("\n");
  const pairs = names.map((name, at) => `${name}="${escaped(values[at] ?? "")}"`);
  if (le !== undefined) pairs.push(`le="${le}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/["\\]/g, "\\$&");
}

function numberText(value: number): string {
  return value === Infinity ? "+Inf" : String(value);
}
