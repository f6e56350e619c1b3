import type { Interceptor } from "@connectrpc/connect";
import { CarshareError } from "./errors.js";
import { type Backoff, jitteredDelay, wait } from "./wait.js";

/** How often a call is repeated. */
export interface RetryPolicy extends Backoff {
  /** Attempts in all; 1 = no repeat. */
  readonly attempts: number;
}

export const DEFAULT_RETRIES: RetryPolicy = { attempts: 4, firstMs: 200, maxMs: 5_000 };

const KEY = "idempotency-key";
const READ = /^(Get|List|Search)/;

/**
 * Gives each write an `Idempotency-Key`, if its caller gave none. The key stays in the headers of the call, so that all its attempts have
 * it and the server executes one of them.
 */
export const idempotencyKey: Interceptor = (next) => (request) => {
  if (!request.stream && !READ.test(request.method.name) && !request.header.has(KEY)) {
    request.header.set(KEY, crypto.randomUUID());
  }
  return next(request);
};

/**
 * Repeats unary calls that failed with UNAVAILABLE or on the way, after the delay that the server asks for or a jittered one. Gives up when
 * the attempts are used, the server asks for more than `maxMs`, or the call's deadline has passed.
 */
export function retry(policy: RetryPolicy): Interceptor {
  return (next) => async (request) => {
    for (let attempt = 1; ; attempt++) {
      try {
        return await next(request);
      } catch (cause) {
        const error = CarshareError.from(cause);
        const delay = error.retryAfterMs ?? jitteredDelay(policy, attempt);
        const last = request.stream || attempt >= policy.attempts || delay > policy.maxMs;
        if (last || !error.isTransient || request.signal.aborted) throw cause;
        await wait(delay, request.signal);
      }
    }
  };
}
