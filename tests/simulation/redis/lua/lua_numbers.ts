/** Numbers as texts and texts as numbers, as C's printf and strtod have it, on which Lua and Redis stand. */

/** `%.<digits>g` of C: 14 digits in Lua and cjson, 17 in the words of a Redis command. */
export function numberText(value: number, digits: number): string {
  if (Number.isInteger(value) && value < 1e14 && value > -1e14) {
    return value === 0 && 1 / value < 0 ? "-0" : String(value);
  }
  if (!Number.isFinite(value)) return value !== value ? "-nan" : value > 0 ? "inf" : "-inf";
  const [mantissa = "", power = ""] = rounded(value, digits).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${withoutZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const sign = value < 0 ? "-" : "";
  const all = "0".repeat(Math.max(0, -exponent)) + mantissa.replace(/[-.]/g, "");
  const whole = Math.max(0, exponent) + 1;
  return `${sign}${withoutZeros(`${all.slice(0, whole)}.${all.slice(whole)}`)}`;
}

/** `value.toExponential` with `digits` digits; of two that are as near C takes the even one, JavaScript the larger. */
function rounded(value: number, digits: number): string {
  const [mantissa = "", power = ""] = value.toExponential(EXACT_DIGITS).split("e");
  const end = mantissa.indexOf(".") + digits;
  const isTie = /^50*$/.test(mantissa.slice(end));
  if (isTie && Number(mantissa.charAt(end - 1)) % 2 === 0) {
    return `${mantissa.slice(0, end)}e${power}`;
  }
  return value.toExponential(digits - 1);
}

/** So many digits that a tie is seen for one. */
const EXACT_DIGITS = 60;

/** `%d` of C: the whole part; what no 64-bit integer holds is the smallest of them, as on the processors of servers. */
export function wholeText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (!(value >= -(2 ** 63) && value < 2 ** 63)) return "-9223372036854775808";
  return String(BigInt(Math.trunc(value)));
}

const NUMBER = new RegExp(
  "^([+-]?)(?:(0x(?:[0-9a-f]+\\.?[0-9a-f]*|\\.[0-9a-f]+)(?:p[+-]?\\d+)?)" +
    "|((?:\\d+\\.?\\d*|\\.\\d+)(?:e[+-]?\\d+)?)|(inf(?:inity)?)|(nan(?:\\(\\w*\\))?))",
  "i",
);

/** The number that a text begins with and how long that is, as `strtod` reads it, without spaces before; null for none. */
export function readNumber(text: string): { value: number; length: number } | null {
  const found = NUMBER.exec(text);
  if (!found) return null;
  const [all, sign, hexadecimal, decimal, infinite] = found;
  const size = decimal !== undefined
    ? Number(decimal)
    : hexadecimal !== undefined
    ? readHexadecimal(hexadecimal)
    : infinite !== undefined
    ? Infinity
    : NaN;
  return { value: sign === "-" ? -size : size, length: all.length };
}

/** What `tonumber` makes of a text: undefined unless all of it, spaces aside, is one number. */
export function numberOfText(text: string): number | undefined {
  // The usual text is a short row of digits.
  if (text.length < 16 && /^\d+$/.test(text)) return Number(text);
  const bare = text.replace(/^[\t-\r ]+|[\t-\r ]+$/g, "");
  const found = readNumber(bare);
  return found !== null && found.length === bare.length ? found.value : undefined;
}

function readHexadecimal(text: string): number {
  const [digits = "", power = "0"] = text.slice(2).toLowerCase().split("p");
  const [whole = "", fraction = ""] = digits.split(".");
  // Exact for what a double holds; longer ones are rounded once by the conversion of the whole.
  const all = Number(BigInt(`0x${whole}${fraction}`));
  return all * 2 ** (Number(power) - 4 * fraction.length);
}

function withoutZeros(text: string): string {
  return text.includes(".") ? text.replace(/\.?0*$/, "") : text;
}
