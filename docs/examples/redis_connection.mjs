// deno-lint-ignore-file explicit-module-boundary-types -- plain JavaScript has no types
/** The least of a Redis client: commands out, answers in their order back, in RESP2. */
import { Buffer } from "node:buffer";
import net from "node:net";

/** A function that sends one command and gives its answer; `onEnd` is called when the connection is lost. */
export function connect(url, onEnd) {
  const { hostname, port, username, password } = new URL(url);
  const socket = net.connect(Number(port) || 6379, hostname);
  const waiting = [];
  let bytes = Buffer.alloc(0);
  socket.on("error", onEnd);
  socket.on("close", () => onEnd(new Error("the connection to Redis is lost")));
  socket.on("data", (more) => {
    bytes = Buffer.concat([bytes, more]);
    for (let read; (read = parse(bytes, 0)); bytes = bytes.subarray(read.next)) {
      const { resolve, reject } = waiting.shift();
      if (read.value instanceof Error) reject(read.value);
      else resolve(read.value);
    }
  });
  const send = (...words) => {
    const parts = words.map((word) => `$${Buffer.byteLength(String(word))}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join("")}`);
    return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
  };
  if (password) {
    send("AUTH", decodeURIComponent(username) || "default", decodeURIComponent(password));
  }
  return send;
}

/** The answer that begins at `at`, and where the next one begins; null when it has not arrived as a whole. */
function parse(bytes, at) {
  const end = bytes.indexOf("\r\n", at);
  if (end < 0) return null;
  const line = bytes.toString("utf8", at + 1, end);
  const next = end + 2;
  switch (String.fromCharCode(bytes[at])) {
    case "+":
      return { value: line, next };
    case "-":
      return { value: new Error(line), next };
    case ":":
      return { value: Number(line), next };
    case "$": {
      if (line === "-1") return { value: null, next };
      const stop = next + Number(line);
      if (bytes.length < stop + 2) return null;
      return { value: bytes.toString("utf8", next, stop), next: stop + 2 };
    }
    default:
      return line === "-1" ? { value: null, next } : parseItems(bytes, next, Number(line));
  }
}

function parseItems(bytes, from, count) {
  const value = [];
  for (let next = from; value.length < count;) {
    const item = parse(bytes, next);
    if (!item) return null;
    value.push(item.value);
    next = item.next;
    if (value.length === count) return { value, next };
  }
  return { value, next: from };
}
