/**
 * The assertions that the tests use, under the names of `@std/assert`, over `node:assert`.
 * One line of the import map switches to the JSR package where that registry can be reached.
 */
import assertModule from "node:assert/strict";

/** Fails unless `value` is truthy. */
export function assert(value: unknown, message = "expected a truthy value"): asserts value {
  assertModule.ok(value, message);
}

/** Fails unless both values are deeply and strictly equal. */
export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  assertModule.deepStrictEqual(actual, expected, message as string);
}

/** Fails when both values are deeply and strictly equal. */
export function assertNotEquals<T>(actual: T, expected: T, message?: string): void {
  assertModule.notDeepStrictEqual(actual, expected, message as string);
}

/** Fails unless `actual` has every key of `expected` with a deeply equal value. */
export function assertObjectMatch(actual: object, expected: Record<string, unknown>): void {
  const picked = Object.fromEntries(
    Object.keys(expected).map((key) => [key, (actual as Record<string, unknown>)[key]]),
  );
  assertModule.deepStrictEqual(picked, expected);
}

/** Fails unless `actual` contains `expected`. */
export function assertStringIncludes(actual: string, expected: string): void {
  assertModule.ok(
    actual.includes(expected),
    `expected ${JSON.stringify(actual)} to include ${JSON.stringify(expected)}`,
  );
}

/** Fails unless `actual` matches `pattern`. */
export function assertMatch(actual: string, pattern: RegExp): void {
  assertModule.match(actual, pattern);
}

/** Fails unless `promise` rejects; gives back the error, whose class and message can be checked too. */
export async function assertRejects<E extends Error>(
  run: () => Promise<unknown>,
  errorClass?: new (...args: never[]) => E,
  messageIncludes = "",
): Promise<E> {
  try {
    await run();
  } catch (error) {
    checkError(error, errorClass, messageIncludes);
    return error as E;
  }
  throw new assertModule.AssertionError({ message: "expected the promise to reject" });
}

/** Fails unless `run` throws; gives back the error, whose class and message can be checked too. */
export function assertThrows<E extends Error>(
  run: () => unknown,
  errorClass?: new (...args: never[]) => E,
  messageIncludes = "",
): E {
  try {
    run();
  } catch (error) {
    checkError(error, errorClass, messageIncludes);
    return error as E;
  }
  throw new assertModule.AssertionError({ message: "expected the call to throw" });
}

function checkError(
  error: unknown,
  errorClass: (new (...args: never[]) => Error) | undefined,
  messageIncludes: string,
): void {
  if (errorClass) assertModule.ok(error instanceof errorClass, `unexpected error: ${error}`);
  assertStringIncludes(String(error), messageIncludes);
}
