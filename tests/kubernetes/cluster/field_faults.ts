/** Faults of an object's fields in the words of Kubernetes' validation. */

/** One fault that validation found. */
export interface FieldFault {
  /** The reason of the cause, such as `FieldValueInvalid`. */
  reason: string;
  field: string;
  message: string;
}

/** A value that may not be. */
export function invalidValue(field: string, value: unknown, why: string): FieldFault {
  const message = `Invalid value: ${JSON.stringify(value ?? null)}: ${why}`;
  return { reason: "FieldValueInvalid", field, message };
}

/** A field that has to be there. */
export function required(field: string, why = ""): FieldFault {
  const message = why === "" ? "Required value" : `Required value: ${why}`;
  return { reason: "FieldValueRequired", field, message };
}

/** A field that may not be set, or changed. */
export function forbiddenField(field: string, why: string): FieldFault {
  return { reason: "FieldValueForbidden", field, message: `Forbidden: ${why}` };
}

/** The same again where each may be only once. */
export function duplicate(field: string, value: unknown): FieldFault {
  const message = `Duplicate value: ${JSON.stringify(value)}`;
  return { reason: "FieldValueDuplicate", field, message };
}

/** A name of something that is not there. */
export function notThere(field: string, value: unknown): FieldFault {
  return {
    reason: "FieldValueNotFound",
    field,
    message: `Not found: ${JSON.stringify(value)}`,
  };
}

/** A word that isn't one of those there are. */
export function unsupported(field: string, value: unknown, known: readonly string[]): FieldFault {
  const list = known.map((word) => `"${word}"`).join(", ");
  const message = `Unsupported value: ${JSON.stringify(value)}: supported values: ${list}`;
  return { reason: "FieldValueNotSupported", field, message };
}

/** More than is allowed. */
export function tooLong(field: string, why: string): FieldFault {
  return { reason: "FieldValueTooLong", field, message: `Too long: ${why}` };
}

/** Below zero, or below another least value. */
export function belowLeast(field: string, value: unknown, least = 0): FieldFault[] {
  if (typeof value !== "number" || value >= least) return [];
  return [invalidValue(field, value, `must be greater than or equal to ${least}`)];
}

/** A port. */
export function portFaults(field: string, port: unknown): FieldFault[] {
  if (typeof port !== "number" || (port >= 1 && port <= 65_535)) return [];
  return [invalidValue(field, port, "must be between 1 and 65535, inclusive")];
}
