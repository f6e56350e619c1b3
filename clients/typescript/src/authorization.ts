import type { Interceptor } from "@connectrpc/connect";
import { CarshareError } from "./errors.js";
import type { Session } from "./session.js";

/** Reasons that a refresh may cure: the token has expired, or is signed with a key that was withdrawn. */
const CURABLE = new Set(["TOKEN_EXPIRED", "UNAUTHENTICATED"]);

/** What is to be done after a call with the access token `used` failed: `repeat` with the renewed tokens, or `fail`. */
export async function recover(session: Session, used: string, error: CarshareError): Promise<"repeat" | "fail"> {
  if (CURABLE.has(error.reason)) {
    await session.renew(used);
    return "repeat";
  }
  if (error.reason === "TOKEN_REVOKED") await session.end(used, error);
  return "fail";
}

/** Sends the access token, and repeats a unary call once with a renewed one. Does nothing for a call with an `authorization` of its own. */
export function authorization(session: Session): Interceptor {
  return (next) => async (request) => {
    const used = (await session.tokens())?.accessToken;
    if (used === undefined || request.header.has("authorization")) return next(request);
    request.header.set("authorization", `Bearer ${used}`);
    try {
      return await next(request);
    } catch (cause) {
      if (request.stream || (await recover(session, used, CarshareError.from(cause))) === "fail") throw cause;
      request.header.set("authorization", `Bearer ${(await session.tokens())?.accessToken}`);
      return next(request);
    }
  };
}

/** Sends the language of error messages: `ko` or `en`. */
export function language(current: () => string): Interceptor {
  return (next) => (request) => {
    if (!request.header.has("accept-language")) request.header.set("accept-language", current());
    return next(request);
  };
}
