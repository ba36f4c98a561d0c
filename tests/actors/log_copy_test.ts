/** A copy of a log says what the log says, and one that is not as it was written is refused with a sentence that tells why. */
import fc from "fast-check";
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { stateDigest } from "../../actors/log_copy/copy_lines.ts";
import type { RecordedEvent } from "../../events/envelope.ts";
import { OperationalError } from "../../events/errors.ts";
import type { JsonObject } from "../../events/json.ts";
import type {
  CopiedEvent,
  CopyFrame,
  LogCopySource,
  LogCopyTarget,
} from "../../events/log_copy.ts";
import { storedState } from "../../machines/evolve.ts";
import { bodyOf, copyOf, imported, linesOf, readingOf, withLines } from "../support/copied_log.ts";
import { History, INSTANCE } from "../support/recorded.ts";

const copied = ({ data, meta, ...event }: RecordedEvent): CopiedEvent => ({
  ...event,
  data: JSON.stringify(data),
  meta: JSON.stringify(meta),
  ignorable: false,
});

/** A source over a history, or what was left of it after a cut. */
function sourceOf(history: History, more: Partial<CopyFrame> = {}): LogCopySource {
  const cut = parseInt(more.begins ?? "0-0");
  const events = history.events.filter(({ position }) => parseInt(position) > cut).map(copied);
  const { version, position, generation } = history.state.context;
  return {
    frame: {
      kind: "embedded",
      namespace: null,
      begins: "0-0",
      head: position,
      events: events.length,
      instances: 1,
      commands: [],
      workers: [],
      ...more,
    },
    events: (after, limit) =>
      Promise.resolve(
        events.filter((event) => parseInt(event.position) > parseInt(after)).slice(0, limit),
      ),
    instances: () => [{
      instanceId: INSTANCE,
      version,
      generation,
      last: position,
      origin: "1-0",
      run: null,
      endedRunId: null,
      completed: null,
    }],
    close: () => Promise.resolve(),
  };
}

const aLife = () => History.running().exited("r1", 1);

/** A target that must not be asked for anything. */
const never = (): Promise<LogCopyTarget> => {
  throw new Error("nothing was to be opened");
};

function refusal(text: string): string {
  const error = assertThrows(() => readingOf(text), OperationalError);
  assertEquals([error.code, error.retryable], ["copy_damaged", false], error.message);
  assert(error.hint.includes("log:export"), error.hint);
  return error.message;
}

Deno.test("a copy that is read says of each instance what its events make", async () => {
  const history = aLife();
  const { text, written } = await copyOf(sourceOf(history));
  const read = readingOf(text);
  assertEquals(read.header, written.header);
  assertEquals([read.digest, read.differenceCount], [written.digest, 0]);
  assertEquals([...read.states], [[INSTANCE, stateDigest(storedState(history.state))]]);
  assertEquals(linesOf(text).length, history.events.length + 3);
});

Deno.test("the same log gives the same bytes, but for the first line", async () => {
  const [one, other] = [await copyOf(sourceOf(aLife())), await copyOf(sourceOf(aLife()))];
  assertEquals(one.text, other.text);
  const elsewhere = await copyOf(sourceOf(aLife(), { kind: "redis", namespace: "blue" }));
  assertEquals(bodyOf(one.text), bodyOf(elsewhere.text));
});

Deno.test("data and metadata are in a line as they are stored, to the last byte", async () => {
  const history = aLife();
  const source = sourceOf(history);
  const odd = '{"commandId":null, "request":"a \\u0062 \\",\\"data\\":" , "more":1.50e1}';
  const meta = '{ "requestedBy":"\\",\\"meta\\":{" }';
  const last = history.events.length;
  history.add("RequestAnswered", { request: "start", commandId: null });
  const events = history.events.map(copied);
  Object.assign(events[last]!, { data: odd, meta });
  const { text } = await copyOf({
    ...source,
    frame: { ...source.frame, events: events.length, head: `${last + 1}-0` },
    events: (after, limit) => Promise.resolve(events.slice(parseInt(after)).slice(0, limit)),
    instances: () => [{
      ...[...source.instances()][0]!,
      version: last + 1,
      last: `${last + 1}-0`,
    }],
  });
  assert(text.includes(`"meta":${meta},"data":${odd}}\n`), text);
  assertEquals(readingOf(text).differenceCount, 0);
});

const damage: [string, (text: string) => string, RegExp][] = [
  ["nothing at all", () => "", /it is empty/],
  ["another file", () => '{"items":[]}\n', /not a copy of a log of DRaaS/],
  ["no text of lines", () => "PK\u0003\u0004\n", /line 1 is not a copy .* it is not JSON/],
  [
    "a first line of a newer release",
    (text) => text.replace('"draasLog":1', '"draasLog":2'),
    /form 2, of a newer release \(1\.2\.3\)/,
  ],
  [
    "another first line",
    (text) => text.replace('"begins":"0-0"', '"begins":"1-0"'),
    /line 1 .* its digest is another one/,
  ],
  ["its end cut off", (text) => withLines(text, (lines) => lines.slice(0, -1)), /cut short/],
  [
    "its second half cut off",
    (text) => withLines(text, (lines) => lines.slice(0, 4)),
    /ends with line 4, and its last line is missing: it was cut short after 3 of 5 events/,
  ],
  [
    "a line missing",
    (text) => withLines(text, (lines) => lines.toSpliced(3, 1)),
    /lines are missing: it has 4 events, 1 instances, .* was written with 5, 1/,
  ],
  [
    "a line doubled",
    (text) => withLines(text, (lines) => lines.toSpliced(3, 0, lines[2]!)),
    /line 4 is wrong: the event at 2-0 comes twice/,
  ],
  [
    "two lines exchanged",
    (text) => withLines(text, (lines) => lines.with(2, lines[3]!).with(3, lines[2]!)),
    /line 4 is wrong: the event at 2-0 comes after the one at 3-0/,
  ],
  [
    "an event after the instances",
    (text) => withLines(text, (lines) => lines.toSpliced(-1, 0, lines[2]!)),
    /event lines come before instance lines/,
  ],
  [
    "an event from after its end",
    (text) => text.replace('"position":"5-0"', '"position":"9-0"'),
    /the event at 9-0 is from after the copy's end, 5-0/,
  ],
  [
    "another byte in an event",
    (text) => text.replace('"/bin/true"', '"/bin/trve"'),
    /a byte in it is not as it was written/,
  ],
  [
    "a byte that breaks the JSON",
    (text) => text.replace('"version":2', '"version":'),
    /line 3 is damaged: it is not JSON/,
  ],
  [
    "a value that cannot be",
    (text) => text.replace('"version":2', '"version":-2'),
    /line 3 is damaged: version is not as it should be/,
  ],
  [
    "a line of another kind",
    (text) => withLines(text, (lines) => lines.with(3, '{"note":"hello"}')),
    /line 4 is damaged: it is none of the lines that there are/,
  ],
  [
    "something after its end",
    (text) => `${text}{"position":"6-0"}\n`,
    /something comes after its last line/,
  ],
  [
    "an instance that has no events",
    (text) => text.replace('"instanceId":"instance-1","last"', '"instanceId":"instance-2","last"'),
    /the instance instance-2 cannot be folded/,
  ],
];
for (const [what, spoil, why] of damage) {
  Deno.test(`a copy with ${what} is refused`, async () => {
    const { text } = await copyOf(sourceOf(aLife()));
    const spoiled = spoil(text);
    assert(spoiled !== text, "the damage is none");
    const message = refusal(spoiled);
    assert(why.test(message), message);
  });
}

Deno.test("whatever byte of a copy is another one, and wherever it ends too early, it is refused", async () => {
  const { text } = await copyOf(sourceOf(aLife()));
  const place = fc.nat(text.length - 2);
  const byte = fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code));
  fc.assert(
    fc.property(place, byte, (at, other) => {
      fc.pre(text[at] !== other);
      assertThrows(
        () => readingOf(text.slice(0, at) + other + text.slice(at + 1)),
        OperationalError,
      );
      assertThrows(() => readingOf(text.slice(0, at)), OperationalError);
    }),
    { numRuns: 300 },
  );
});

Deno.test("a copy whose first line is damaged opens nothing to import it into", async () => {
  const { text } = await copyOf(sourceOf(aLife()));
  const error = await assertRejects(() => imported(text.slice(5), never), OperationalError);
  assertEquals(error.code, "copy_damaged");
});

Deno.test("a log that was cut is copied with its baselines, and proved from there", async () => {
  const history = aLife();
  const state = JSON.parse(JSON.stringify(storedState(history.state))) as JsonObject;
  history.add("Baseline", { state }).startRequested("c9");
  const { text } = await copyOf(sourceOf(history, { begins: "5-0" }));
  const read = readingOf(text);
  assertEquals([read.header.begins, read.header.events], ["5-0", 2]);
  assertEquals(read.differenceCount, 0);
  assertEquals([...read.states], [[INSTANCE, stateDigest(storedState(history.state))]]);
});

Deno.test("a log with a gap is copied as it is, and called what it is by whoever reads it", async () => {
  const history = aLife();
  history.events.splice(2, 1);
  const { text, written } = await copyOf(sourceOf(history));
  assert(written.differenceCount > 0);
  const { differenceCount, differences } = readingOf(text);
  assertEquals(differenceCount, written.differenceCount);
  assertEquals(differences[0], {
    instanceId: INSTANCE,
    position: "4-0",
    where: "log",
    message: "it follows 3-0, but before it is 2-0",
  });
});

Deno.test("a baseline that holds no state is a sentence, not a fault of ours", async () => {
  const { text } = await copyOf(sourceOf(aLife()));
  const spoiled = withLines(
    text,
    (lines) =>
      lines.with(
        5,
        lines[5]!.replace(/"type":"\w+"/, '"type":"Baseline"').replace(
          /"data":.*/,
          '"data":{"state":{}}}',
        ),
      ),
  );
  const error = assertThrows(() => readingOf(spoiled), OperationalError);
  assertEquals(error.code, "log_damaged");
  assert(error.message.startsWith("The event Baseline at 5-0 is damaged"), error.message);
});

Deno.test("an event of a newer release is refused by its name, unless it may be ignored", async () => {
  const { text } = await copyOf(sourceOf(aLife()));
  const newer = text.replace('"type":"StartRequested"', '"type":"StartDreamt"');
  const error = assertThrows(() => readingOf(newer), OperationalError);
  assertEquals(error.code, "log_from_newer_version");
  const ignorable = newer.replace(/("type":"StartDreamt",.*?"at":\d+)/, '$1,"ignorable":true');
  // Whose digest is another one now, and nothing else is the matter.
  assert(refusal(ignorable).includes("its digest is another one"));
});

Deno.test("a log without events is not copied", async () => {
  const source = sourceOf(aLife(), { events: 0 });
  const error = await assertRejects(() => copyOf(source), OperationalError);
  assertEquals(error.code, "log_missing");
});

Deno.test("a log that is cut while it is copied is copied again, not in part", async () => {
  const source = sourceOf(aLife());
  const error = await assertRejects(
    () => copyOf({ ...source, events: () => Promise.resolve([]) }),
    OperationalError,
  );
  assertEquals([error.code, error.retryable], ["log_truncated", true]);
});
