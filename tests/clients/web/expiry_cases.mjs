// What a stock client sees when its access token expires, over any transport of connect-es. Needs a mesh whose tokens expire in seconds.

import { Code, createClient } from "@connectrpc/connect";
import { AuthService } from "@carshare/client/auth/v1/auth_service";
import { NotificationService } from "@carshare/client/notification/v1/notification_service";
import { Role } from "@carshare/client/options/v1/options";
import { ErrorInfoSchema } from "@carshare/client/error_details";
import { equal, refused, runCases } from "./assert.mjs";

export async function run(transport) {
  const auth = createClient(AuthService, transport);
  const account = await auth.register({
    email: `expiry-${crypto.randomUUID()}@example.com`,
    password: "correct horse 42",
    name: "김민지",
    phone: "010-2345-6789",
    role: Role.GUEST,
  });
  return runCases({
    "stream ends with a status when the token expires": async () => {
      const reason = await untilExpired(transport, account.accessToken);
      equal(reason, "TOKEN_EXPIRED");
    },
    "call with an expired token": async () => {
      const headers = { authorization: `Bearer ${account.accessToken}` };
      const error = await refused(auth.getMe({}, { headers }), Code.Unauthenticated);
      equal(error.findDetails(ErrorInfoSchema)[0].reason, "TOKEN_EXPIRED");
    },
    "call with the refreshed token": async () => {
      const renewed = await auth.refresh({ refreshToken: account.refreshToken });
      const me = await auth.getMe({}, { headers: { authorization: `Bearer ${renewed.accessToken}` } });
      equal(me.id, account.user.id);
    },
  });
}

/** Waits until the token expires, by a stream that ends at that time. Returns the reason of the end. */
export async function untilExpired(transport, token) {
  const client = createClient(NotificationService, transport);
  const headers = { authorization: `Bearer ${token}` };
  const read = (async () => {
    for await (const _ of client.subscribe({}, { headers, timeoutMs: 0 }));
  })();
  const error = await refused(read, Code.Unauthenticated);
  return error.findDetails(ErrorInfoSchema)[0].reason;
}
