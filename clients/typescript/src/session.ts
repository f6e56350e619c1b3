import { type Client, Code, ConnectError } from "@connectrpc/connect";
import { CarshareError } from "./errors.js";
import type { AuthResponse, AuthService } from "./gen/carshare/auth/v1/auth_service_pb.js";
import type { User } from "./gen/carshare/auth/v1/user_pb.js";
import type { Tokens, TokenStore } from "./tokens.js";

export const SIGNED_OUT = new ConnectError("Nobody is signed in.", Code.Unauthenticated);

/**
 * The tokens of a session and their refresh.
 *
 * A refresh token is valid once, and a second use ends the session. So one refresh runs at a time: in this object by a shared promise, among
 * browser tabs by a Web Lock, under which the store is read again. Without a lock, two that refresh at once send the same
 * `Idempotency-Key`, which they read from the store, and get the same pair.
 */
export class Session {
  #renewal: { stale: string; tokens: Promise<Tokens> } | undefined;
  /** Access token of the session that a refused refresh has ended. */
  #ended: string | undefined;
  /** Settles when the last piece of work under the lock has ended. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly auth: Client<typeof AuthService>,
    private readonly store: TokenStore,
    /** Called once for each session that the server ended. */
    private readonly onEnd: (error: CarshareError) => void,
  ) {}

  /** Returns the current tokens; `undefined` if nobody is signed in. */
  async tokens(): Promise<Tokens | undefined> {
    return this.store.load();
  }

  /** Stores the tokens of a login and returns its account. */
  async begin(reply: AuthResponse): Promise<User> {
    await this.#locked(async () => this.store.save(tokensOf(reply)));
    if (!reply.user) throw new ConnectError("The reply has no account.", Code.Internal);
    return reply.user;
  }

  /** Removes the tokens, without a call of `onEnd`. */
  async clear(): Promise<void> {
    await this.#locked(async () => this.store.save(undefined));
  }

  /** Returns tokens that are newer than the refused access token `stale`. Concurrent calls share one refresh. */
  renew(stale: string): Promise<Tokens> {
    if (this.#renewal?.stale === stale) return this.#renewal.tokens;
    const tokens = this.#locked(() => this.#rotate(stale));
    const renewal = { stale, tokens };
    this.#renewal = renewal;
    const end = () => {
      if (this.#renewal === renewal) this.#renewal = undefined;
    };
    // The refusal that ended the session is kept for the calls with this token that fail later.
    tokens.then(end, () => {
      if (this.#ended !== stale) end();
    });
    return tokens;
  }

  /** Ends the session of the revoked access token `revoked`, unless another one has begun. */
  async end(revoked: string, error: CarshareError): Promise<void> {
    await this.#locked(async () => {
      if ((await this.store.load())?.accessToken === revoked) await this.#end(error);
    });
  }

  async #rotate(stale: string): Promise<Tokens> {
    const current = await this.store.load();
    if (!current) throw SIGNED_OUT;
    if (current.accessToken !== stale) return current;
    const headers = { "idempotency-key": current.refreshKey };
    const reply = await this.auth.refresh({ refreshToken: current.refreshToken }, { headers }).catch(async (cause) => {
      const error = CarshareError.from(cause);
      if (error.status === Code.Unauthenticated && (await this.#holds(current))) {
        this.#ended = stale;
        await this.#end(error);
      }
      throw cause;
    });
    const next = tokensOf(reply);
    // Without a lock, a login or another refresh may have come first; its tokens stay.
    if (await this.#holds(current)) await this.store.save(next);
    return next;
  }

  async #holds(tokens: Tokens): Promise<boolean> {
    return (await this.store.load())?.refreshToken === tokens.refreshToken;
  }

  async #end(error: CarshareError): Promise<void> {
    await this.store.save(undefined);
    this.onEnd(error);
  }

  #locked<T>(work: () => Promise<T>): Promise<T> {
    const name = this.store.lockName;
    const locks = globalThis.navigator?.locks;
    const result = this.#last.then(async () => (locks && name ? await locks.request(name, work) : await work()));
    this.#last = result.catch(() => {});
    return result;
  }
}

function tokensOf(reply: AuthResponse): Tokens {
  return { accessToken: reply.accessToken, refreshToken: reply.refreshToken, refreshKey: crypto.randomUUID() };
}
