// Assertions that run in Node and in browsers.

import { Code, ConnectError } from "@connectrpc/connect";

export function equal(actual, expected, what = "") {
  const [left, right] = [actual, expected].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`${what} ${left} is not ${right}`);
}

/** Waits for a failure with a gRPC status and returns it. */
export async function refused(promise, code) {
  try {
    await promise;
  } catch (cause) {
    const error = ConnectError.from(cause);
    if (error.code !== code) throw new Error(`${Code[error.code]} for ${Code[code]}: ${error.message}`, { cause });
    return error;
  }
  throw new Error(`succeeded; expected ${Code[code]}`);
}

/** Runs named cases one after the other and returns their names. */
export async function runCases(cases) {
  for (const [name, check] of Object.entries(cases)) {
    try {
      await check();
    } catch (cause) {
      throw new Error(`${name}: ${cause.message}`, { cause });
    }
  }
  return Object.keys(cases);
}
