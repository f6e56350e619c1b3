import { Code, ConnectError } from "@connectrpc/connect";
import { BadRequestSchema, ErrorInfoSchema, RetryInfoSchema } from "./gen/google/rpc/error_details_pb.js";

/**
 * Statuses of a lost connection, without details of a server: connect-node reports ABORTED, CANCELED or INTERNAL. `fetch` throws a TypeError,
 * which connect-web reports as UNKNOWN.
 */
const LOST = new Set([Code.Aborted, Code.Canceled, Code.Internal, Code.Unknown]);

/** An invalid field of a request. */
export interface FieldViolation {
  /** Path of the field, for example `start_datetime` or `images[2].id`. */
  readonly field: string;
  /** Id of the violated rule, for example `string.email`. */
  readonly rule: string;
  /** English text. */
  readonly description: string;
  /** Korean text; empty if the rule has none. */
  readonly korean: string;
}

/** A failed call, with the facts of the server's error details. */
export class CarshareError extends Error {
  override readonly name = "CarshareError";

  private constructor(
    /** Text for the user, in the language of the client; a technical text if no server answered. */
    message: string,
    /** gRPC status. */
    readonly status: Code,
    /** Reason, as in the `ErrorReason` enum of a service, for example `SLOT_TAKEN`; empty if no server answered. */
    readonly reason: string,
    /** Stable code of the reason, for example `BOOKING002`; empty if no server answered. */
    readonly code: string,
    /** Further facts of the reason, for example the statuses of a refused transition. */
    readonly metadata: Readonly<Record<string, string>>,
    /** Invalid fields of the request. */
    readonly fieldViolations: readonly FieldViolation[],
    /** Milliseconds to wait before a retry, if the server gave them. */
    readonly retryAfterMs: number | undefined,
    /** Id of the call in the server's logs, for support. */
    readonly correlationId: string | undefined,
    cause: unknown,
  ) {
    super(message, { cause });
  }

  /** Converts what a call has thrown. A `CarshareError` is returned as it is. */
  static from(cause: unknown): CarshareError {
    if (cause instanceof CarshareError) return cause;
    const error = ConnectError.from(cause);
    const info = error.findDetails(ErrorInfoSchema)[0];
    const { code = "", ...metadata } = info?.metadata ?? {};
    const violations = error.findDetails(BadRequestSchema).flatMap((detail) => detail.fieldViolations);
    const delay = error.findDetails(RetryInfoSchema)[0]?.retryDelay;
    return new CarshareError(
      error.rawMessage,
      error.code,
      info?.reason ?? "",
      code,
      metadata,
      violations.map((violation) => ({
        field: violation.field,
        rule: violation.reason,
        description: violation.description,
        korean: violation.localizedMessage?.message ?? "",
      })),
      delay && Number(delay.seconds) * 1000 + delay.nanos / 1e6,
      error.metadata.get("x-correlation-id") ?? undefined,
      cause,
    );
  }

  /** Whether the server was not reached, did not answer or asks for a retry, so that the call may be repeated with its `Idempotency-Key`. */
  get isTransient(): boolean {
    return this.status === Code.Unavailable || (this.code === "" && LOST.has(this.status));
  }
}
