/** A program's log: for people in a terminal, for programs elsewhere; nothing secret, nothing that moves the cursor. */
import { assertEquals } from "@std/assert";
import { openVoice, usageLines, type VoiceOptions } from "../../programs/voice.ts";

/** What a voice has put on its streams. */
function listen(changed: Partial<VoiceOptions> = {}) {
  const heard = { out: "", log: "" };
  const voice = openVoice({
    level: "info",
    format: "json",
    hasColours: false,
    program: "serve",
    secrets: [],
    now: () => Date.UTC(2026, 0, 31, 12),
    out: (text) => heard.out += text,
    log: (text) => heard.log += text,
    ...changed,
  });
  return { voice, heard };
}

Deno.test("a line in JSON has time, level, program, message, and what else there is", () => {
  const { voice, heard } = listen();
  voice.tell("warn", "Redis is away.", { hint: "Wait.", traceId: "t-1", instanceId: "i-1", n: 3 });
  assertEquals(JSON.parse(heard.log), {
    time: "2026-01-31T12:00:00.000Z",
    level: "warn",
    program: "serve",
    message: "Redis is away.",
    hint: "Wait.",
    traceId: "t-1",
    instanceId: "i-1",
    n: 3,
  });
  assertEquals(heard.log.match(/\n/g)?.length, 1);
});

Deno.test("in text a line says what is wrong, and on the next what to do", () => {
  const { voice, heard } = listen({ format: "text" });
  voice.tell("warn", "Redis is away.", { hint: "Wait.", instanceId: "i-1" });
  voice.tell("error", "A fault.", { traceId: "t-1" });
  assertEquals(heard.log, "draas: Redis is away.\n  Wait.\ndraas: A fault. (trace t-1)\n");
});

Deno.test("colours are for a terminal that has them, and tell nothing alone", () => {
  const { voice, heard } = listen({ format: "text", hasColours: true });
  voice.tell("error", "A fault.");
  voice.tell("info", "All is well.");
  assertEquals(heard.log, "\u001b[31mdraas:\u001b[0m A fault.\ndraas: All is well.\n");
});

Deno.test("what is below the level is left out", () => {
  const { voice, heard } = listen({ format: "text", level: "warn" });
  for (const level of ["debug", "info", "warn", "error"] as const) voice.tell(level, level);
  assertEquals(heard.log, "draas: warn\ndraas: error\n");
});

Deno.test("what is said goes to standard output, and a log in JSON has it too", () => {
  const text = listen({ format: "text" });
  text.voice.say("ready\n  API");
  assertEquals(text.heard, { out: "ready\n  API\n", log: "" });
  const json = listen();
  json.voice.say("ready\n  API");
  assertEquals(json.heard.out, "ready\n  API\n");
  assertEquals(JSON.parse(json.heard.log).message, "ready\n  API");
});

Deno.test("no secret is told, wherever it stands", () => {
  for (const format of ["text", "json"] as const) {
    const { voice, heard } = listen({ format, secrets: ["top-secret-token", "pw", 'quo"te\\d'] });
    voice.tell("error", "refused: top-secret-token at redis://user:hunter2@host:6379", {
      hint: "send top-secret-token, or password=hunter3, or Bearer abcdefgh12345",
      detail: 'quo"te\\d',
    });
    for (const secret of ["top-secret", "hunter2", "hunter3", "abcdefgh12345", "quo"]) {
      assertEquals(heard.log.includes(secret), false, heard.log);
    }
  }
  const { voice, heard } = listen({ format: "text", secrets: ["pw"] });
  voice.tell("info", "pwd");
  assertEquals(heard.log, "draas: pwd\n", "too short to be looked for");
});

Deno.test("nothing in a name can move the cursor or turn the text", () => {
  const name = "a\u001b[2J\u009b1m\u202eb\u2028c";
  const text = listen({ format: "text" });
  text.voice.tell("warn", `The instance ${name}.`, { hint: name, traceId: name });
  assertEquals(
    text.heard.log,
    "draas: The instance a [2J 1m b c. (trace a [2J 1m b c)\n  a [2J 1m b c\n",
  );
  const json = listen();
  json.voice.tell("warn", name);
  // deno-lint-ignore no-control-regex -- they are what must not be there
  assertEquals(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u202e]/.test(json.heard.log), false);
  assertEquals(JSON.parse(json.heard.log).message, name);
});

Deno.test("how a program was called wrongly is told in plain words", () => {
  assertEquals(
    usageLines("REDIS_URL: redis://:hunter2@host is not valid", "See --help."),
    "draas: REDIS_URL: redis://***@host is not valid\n  See --help.\n",
  );
});
