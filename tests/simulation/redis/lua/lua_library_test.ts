/** Holds what the compiler of Lua promises without a Redis: each construct, errors, refusals, no state. */
import { assertEquals, assertThrows } from "@std/assert";
import { functionLibrary } from "../../../../adapters/redis/function_library.ts";
import { type Reply, ReplyError } from "../reply.ts";
import { compileLibrary, type LuaFunction } from "./lua_library.ts";

const noRedis = (): Reply => {
  throw new Error("no command was expected");
};

function lua(body: string): LuaFunction {
  const text = `#!lua name=t\nlocal function f(keys, args)\n${body}\nend\n` +
    `redis.register_function('f', f)`;
  const compiled = compileLibrary(text).functions.get("f");
  if (!compiled) throw new Error("the function is not there");
  return compiled;
}

function run(body: string, args: string[] = [], call: (words: string[]) => Reply = noRedis): Reply {
  return lua(body).run(call, [], args);
}

const BODIES: [string, string, Reply][] = [
  ["zero and the empty text are true", "return { 0 and 1, '' and 2 }", [1, 2]],
  ["and, or and not give what Lua gives", "return { nil or 3, false and 1, not nil }", [
    3,
    null,
    1,
  ]],
  ["a chain keeps its left side", "local x = false; return { x and 1 or 2, (1 and x) or 'b' }", [
    2,
    "b",
  ]],
  ["a text is a number to arithmetic", "return '12' * 1000 + math.floor('7' / 2)", 12003],
  ["a remainder has the sign of the divisor", "return { -5 % 3, 5 % -3 }", [1, -1]],
  ["numbers are joined as Lua writes them", "return 1 .. ':' .. 2.5 .. ':' .. 1e15", "1:2.5:1e+15"],
  [
    "what a function gives is cut to what is asked for",
    "local g = function() return 1, 2 end\nlocal a, b, c = g()\n" +
    "return { g(), g(), (g()), a, b, c == nil and 9 }",
    [1, 1, 1, 1, 2, 9],
  ],
  [
    "the last call of a list gives all",
    "local function g() return 1, 2 end\nreturn { 0, g() }",
    [0, 1, 2],
  ],
  ["a function without a return gives nothing", "local function g() end\nreturn { g() }", []],
  [
    "a name means the nearest variable",
    "local x = 1\ndo local x = x + 1\nx = x + 1 end\nlocal x = { x, x + 10 }\nreturn x",
    [1, 11],
  ],
  [
    "several variables change at once",
    "local a, b = 1, 2\na, b = b, a\nreturn { a, b }",
    [2, 1],
  ],
  [
    "each turn of a loop has its own variable",
    "local all = {}\nfor n = 1, 3 do all[n] = function() return n end end\n" +
    "return { all[1](), all[2](), all[3]() }",
    [1, 2, 3],
  ],
  [
    "loops go down, stop and break",
    "local all = {}\nfor n = 5, 1, -2 do if n == 1 then break end all[#all + 1] = n end\n" +
    "local n = 0\nwhile n < 2 do n = n + 1 end\nall[#all + 1] = n\nreturn all",
    [5, 3, 2],
  ],
  [
    "pairs sees what has a value, ipairs what comes before the first hole",
    "local t, n = { a = 1, b = 2, 5, nil, 6 }, 0\nt.a = nil\nfor k, v in pairs(t) do n = n + v end\n" +
    "local m = 0\nfor i, v in ipairs(t) do m = m + v end\nreturn { n, m }",
    [13, 5],
  ],
  [
    "gmatch gives each find with its captures",
    "local all = {}\nfor k, v in string.gmatch('a=1,b=2', '(%w)=(%w)') do all[#all + 1] = k .. v end\n" +
    "return table.concat(all, ' ')",
    "a1 b2",
  ],
  [
    "tables sort, insert and join",
    "local t = { 3, 1, 2 }\ntable.sort(t, function(a, b) return a > b end)\ntable.insert(t, 0)\n" +
    "table.insert(t, 1, 9)\nreturn table.concat(t, ',', 1, 4)",
    "9,3,2,1",
  ],
  ["elements out of order become a list", "local t = {}\nt[2] = 'b'\nt[1] = 'a'\nreturn t", [
    "a",
    "b",
  ]],
  ["a list ends at its first nil", "return { 1, nil, 3 }", [1]],
  ["numbers lose their fraction", "return { 1.9, -1.9, 3 }", [1, -1, 3]],
  ["nothing is nil", "return", null],
  [
    "an error becomes a value",
    "local ok, e = pcall(error, { err = 'X y' })\nreturn { ok, e.err }",
    [
      null,
      "X y",
    ],
  ],
  [
    "what is no table fails within pcall",
    "local ok = pcall(function() local x\nreturn x.y end)\nreturn ok == false",
    1,
  ],
  ["methods of types", "return { type(nil), type({}), type(cjson.null), type(type) }", [
    "nil",
    "table",
    "userdata",
    "function",
  ]],
];

for (const [name, body, expected] of BODIES) {
  Deno.test(`Lua in JavaScript: ${name}`, () => assertEquals(run(body), expected));
}

Deno.test("the production library compiles, and its append writes what it should", () => {
  const append = compileLibrary(functionLibrary().text).functions.get("draas_v1_append");
  const done: string[] = [];
  const call = (words: string[]): Reply => {
    done.push(words[0] ?? "");
    return words[0] === "TIME" ? ["1700000000", "5000"] : words[0] === "XADD" ? "1700-0" : null;
  };
  const keys = Array.from({ length: 11 }, (_, at) => `k${at}:log`);
  const args = [
    "i",
    "0",
    "1",
    "",
    "0",
    "{}",
    "",
    "",
    "",
    "1",
    "0",
    "0",
    "9",
    "",
    "Created",
    "1",
    "{}",
  ];
  assertEquals(append?.run(call, keys, args), ["appended", "0-0", "1700-0"]);
  assertEquals(done, ["TIME", "HGET", "XADD", "ZADD", "PUBLISH", "HSET"]);
});

Deno.test("commands get words and give values; nil is false", () => {
  const seen: string[][] = [];
  const reply = run(
    "local r = redis.call('HGETALL', 'k', 5, 0.1)\nreturn { r[1] == false, r[2][1], #r }",
    [],
    (words) => {
      seen.push(words);
      return [null, [7, "x"], "z"];
    },
  );
  assertEquals(seen, [["HGETALL", "k", "5", "0.10000000000000001"]]);
  assertEquals(reply, [1, 7, 3]);
});

Deno.test("a command's error leaves the function as it is, unless it is caught", () => {
  const error = new ReplyError("WRONGTYPE no");
  const failing = () => {
    throw error;
  };
  assertThrows(() => run("return redis.call('GET', 'k')", [], failing), ReplyError, "WRONGTYPE no");
  assertEquals(run("return redis.pcall('GET', 'k').err", [], failing), "WRONGTYPE no");
  assertThrows(
    () => run("local r = redis.pcall('GET', 'k')\nerror(r)", [], failing),
    ReplyError,
    "WRONGTYPE no",
  );
});

Deno.test("an error of Lua is the function's error and names its line", () => {
  assertThrows(() => run("\nlocal x\nreturn x.y"), ReplyError, "ERR user_function:5: attempt to");
  assertThrows(() => run("error('bad')"), ReplyError, "ERR user_function:3: bad");
  assertThrows(() => run("return redis.error_reply('CODE why')"), ReplyError, "CODE why");
});

for (
  const [what, body] of [
    ["an unknown global", "return os.time()"],
    ["a global that is set", "x = 1"],
    ["varargs", "local g = function(...) end"],
    ["a method", "return args:len()"],
    ["an operator that is not needed", "return 2 ^ 3"],
    ["a loop over a function", "for x in args do end"],
    ["what is no Lua", "local = 1"],
  ] as const
) {
  Deno.test(`compiling refuses ${what} and names the line`, () => {
    assertThrows(() => lua(`\n${body}`), Error, "line 4: ");
  });
}

Deno.test("a library keeps nothing between two calls", () => {
  const library = (body: string) =>
    `#!lua name=t\nlocal n, t = 0, {}\n` +
    `redis.register_function('f', function(keys, args) ${body} end)`;
  assertThrows(() => compileLibrary(library("n = n + 1")), Error, "line 3: assigning to n");
  const f = compileLibrary(library("t[1] = 1")).functions.get("f");
  assertThrows(() => f?.run(noRedis, [], []), Error, "state between calls");
});
