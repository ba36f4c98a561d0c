/** What is typed after `/`: texts, expressions, fields, labels, and their opposites. */
import { assertEquals } from "@std/assert";
import { fleetFilter } from "../../../tui/model/fleet_filter.ts";
import { instanceOf } from "../../../tui/model/instance.ts";
import { answerOf } from "../support/fleet_models.ts";

const FLEET = [
  answerOf("web-1", { status: "Running", labels: { team: "core", tier: "web" } }),
  answerOf("web-2", { status: "Failed", labels: { team: "data" } }),
  answerOf("api", { status: "Running", platform: "docker", worker: "w2", health: "unhealthy" }),
  answerOf("a(b", { status: "Stopped" }),
];
const ALL = FLEET.map(({ id }) => id);

const cases: [filter: string, found: string[]][] = [
  ["", ALL],
  ["  ", ALL],
  ["web", ["web-1", "web-2"]],
  ["WEB", ["web-1", "web-2"]],
  ["^a", ["api", "a(b"]],
  ["web-[2-9]", ["web-2"]],
  ["web 1", ["web-1"]],
  ["!web", ["api", "a(b"]],
  ["state:failed", ["web-2"]],
  ["state:fail", ["web-2"]],
  ["status=Running", ["web-1", "api"]],
  ["state!=running", ["web-2", "a(b"]],
  ["!state:running", ["web-2", "a(b"]],
  ["worker:w2", ["api"]],
  ["worker:w$", []],
  ["worker:w2$", ["api"]],
  ["platform:docker", ["api"]],
  ["health:unhealthy", ["api"]],
  ["team=core", ["web-1"]],
  ["label=team", ["web-1", "web-2"]],
  ["label=team=data", ["web-2"]],
  ["team!=core", ["web-2", "api", "a(b"]],
  ["!label=team state:running", ["api"]],
  // A text that is no expression yet is taken as it is.
  ["a(b", ["a(b"]],
  ["[", []],
  ["!", ALL],
];
for (const [filter, found] of cases) {
  Deno.test(`/${filter} finds ${found.join(", ") || "nothing"}`, () => {
    const { matches } = fleetFilter(filter);
    assertEquals(FLEET.filter((one) => matches(instanceOf(one))).map(({ id }) => id), found);
  });
}
