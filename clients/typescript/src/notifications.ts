import { type Client, Code } from "@connectrpc/connect";
import { recover } from "./authorization.js";
import { CarshareError } from "./errors.js";
import type { Notification } from "./gen/carshare/notification/v1/notification_pb.js";
import type { NotificationService } from "./gen/carshare/notification/v1/notification_service_pb.js";
import { type Session, SIGNED_OUT } from "./session.js";
import { type Backoff, jitteredDelay, wait, Watchdog } from "./wait.js";

/** A notification and the cursor to resume after it. */
export interface NotificationEvent {
  readonly cursor: string;
  readonly notification: Notification;
}

export interface NotificationOptions {
  /** Ends the iteration without an error. */
  readonly signal?: AbortSignal;
  /** Cursor of the last event that was handled; `0` = from the first notification. Without one, only new ones are sent. */
  readonly cursor?: string;
  /** Called when a connection has delivered its first message (`true`) and when it is lost (`false`). */
  readonly onConnected?: (connected: boolean) => void;
  /** Silence after which a connection counts as lost. The server sends a heartbeat every 15 seconds. */
  readonly silenceMs?: number;
  /** Delay before a reconnection. */
  readonly backoff?: Backoff;
}

const DEFAULTS = { silenceMs: 40_000, backoff: { firstMs: 500, maxMs: 30_000 } };

/** Failures that a further attempt would repeat. */
const FINAL = new Set([Code.InvalidArgument, Code.NotFound, Code.PermissionDenied, Code.Unauthenticated, Code.Unimplemented]);

/**
 * Streams the notifications of the signed-in user over any number of connections: each resumes after the last message of the previous one,
 * so that no notification is lost or delivered twice. Access tokens are renewed when they expire.
 *
 * @throws CarshareError when the server refuses the session or the cursor.
 */
export async function* streamNotifications(
  client: Client<typeof NotificationService>,
  session: Session,
  options: NotificationOptions = {},
): AsyncGenerator<NotificationEvent, void, undefined> {
  const { signal, backoff = DEFAULTS.backoff, silenceMs = DEFAULTS.silenceMs } = options;
  let cursor = options.cursor ?? "";
  let failures = 0;
  while (!signal?.aborted) {
    const used = (await session.tokens())?.accessToken;
    if (used === undefined) throw CarshareError.from(SIGNED_OUT);
    const watchdog = new Watchdog(silenceMs, signal);
    let connected = false;
    let delay = 0;
    try {
      const headers = { authorization: `Bearer ${used}` };
      for await (const message of client.subscribe({ cursor }, { headers, signal: watchdog.signal, timeoutMs: 0 })) {
        watchdog.pause();
        if (!connected) options.onConnected?.((connected = true));
        failures = 0;
        cursor = message.cursor;
        if (message.event.case === "notification") yield { cursor, notification: message.event.value };
        if (signal?.aborted) return;
        watchdog.reset();
      }
    } catch (cause) {
      if (signal?.aborted) return;
      const { error, renewed } = await recovered(session, used, CarshareError.from(cause));
      if (!renewed && FINAL.has(error.status)) throw error;
      delay = renewed && failures === 0 ? 0 : (error.retryAfterMs ?? jitteredDelay(backoff, failures));
    } finally {
      watchdog.stop();
      if (connected) options.onConnected?.(false);
    }
    failures++;
    await wait(delay, signal);
  }
}

/** Renews the tokens if `error` asks for it. Returns the error that decides: that of the refresh if it failed. */
async function recovered(session: Session, used: string, error: CarshareError) {
  try {
    return { error, renewed: (await recover(session, used, error)) === "repeat" };
  } catch (cause) {
    return { error: CarshareError.from(cause), renewed: false };
  }
}
