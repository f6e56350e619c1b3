/** Bounds of an exponential backoff, in milliseconds. */
export interface Backoff {
  readonly firstMs: number;
  readonly maxMs: number;
}

/** Returns a random delay of up to `firstMs * 2 ** attempt`, at most `maxMs` ("full jitter"). */
export function jitteredDelay(backoff: Backoff, attempt: number): number {
  return Math.random() * Math.min(backoff.maxMs, backoff.firstMs * 2 ** attempt);
}

/** Resolves after `ms`, or as soon as the signal is aborted. */
export function wait(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal?.addEventListener("abort", end);
  });
}

/** Aborts a signal after a time of silence, or with an outer signal. */
export class Watchdog {
  readonly #controller = new AbortController();
  readonly #abort = () => this.#controller.abort();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly silenceMs: number,
    private readonly outer?: AbortSignal,
  ) {
    outer?.addEventListener("abort", this.#abort);
    this.reset();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Begins the time of silence anew. */
  reset(): void {
    this.pause();
    this.#timer = setTimeout(this.#abort, this.silenceMs);
  }

  /** Stops the time until the next reset. */
  pause(): void {
    clearTimeout(this.#timer);
  }

  stop(): void {
    this.pause();
    this.outer?.removeEventListener("abort", this.#abort);
  }
}
