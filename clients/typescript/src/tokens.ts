/** Tokens of a session. Their store treats them as one value. */
export interface Tokens {
  readonly accessToken: string;
  /** Valid for one refresh. */
  readonly refreshToken: string;
  /** `Idempotency-Key` of that refresh. A refresh whose reply was lost, even with the process, is repeated with it and gets the same pair. */
  readonly refreshKey: string;
}

/** Stores the tokens of a session. */
export interface TokenStore {
  /** Web Lock that is held while the tokens are changed, for a store that browser tabs share. */
  readonly lockName?: string;
  load(): Tokens | undefined | Promise<Tokens | undefined>;
  /** Replaces the tokens; `undefined` removes them. */
  save(tokens: Tokens | undefined): void | Promise<void>;
}

/** Stores tokens in memory. */
export function memoryTokenStore(tokens?: Tokens): TokenStore {
  return {
    load: () => tokens,
    save: (changed) => {
      tokens = changed;
    },
  };
}

/** Stores tokens in `localStorage`, for all tabs of an origin, or in `sessionStorage`. Scripts of the origin can read them. */
export function webTokenStore(storage: Storage = localStorage, key = "carshare.tokens"): TokenStore {
  return {
    lockName: key,
    load: () => {
      const text = storage.getItem(key);
      return text === null ? undefined : (JSON.parse(text) as Tokens);
    },
    save: (tokens) => {
      if (tokens) storage.setItem(key, JSON.stringify(tokens));
      else storage.removeItem(key);
    },
  };
}
