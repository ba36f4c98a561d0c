/** What is done to a line of output for who wants its text alone. */
import { assertEquals } from "@std/assert";
import { plainText, withoutColours } from "../../events/server_output.ts";

Deno.test("without colours a line is what a person would read", () => {
  const coloured: [string, string][] = [
    ["\u001b[1;31mred\u001b[0m and \u001b[38;5;12mblue\u001b[m", "red and blue"],
    ["\u001b]8;;https://example.com\u001b\\link\u001b]8;;\u001b\\", "link"],
    ["\u001b]0;title\u0007text", "text"],
    ["\u001b[2K\u001b[1Gprogress", "progress"],
    ["\u009b32mgreen\u009b0m", "green"],
    ["plain [not a code] ä 😀", "plain [not a code] ä 😀"],
  ];
  for (const [given, wanted] of coloured) assertEquals(withoutColours(given), wanted);
});

Deno.test("of the markers, text alone tells only that output is missing", () => {
  const marker = { stream: "marker" as const, at: 1 };
  assertEquals(plainText({ ...marker, kind: "started", text: "run r-1 starts" }), null);
  assertEquals(
    plainText({ ...marker, kind: "dropped", text: "3 MiB were dropped" }),
    "--- 3 MiB were dropped ---",
  );
  assertEquals(plainText({ stream: "stderr", at: null, text: "a line" }), "a line");
});
