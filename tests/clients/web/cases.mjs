// What an app does, over any transport of connect-es. Each case throws when it fails.

import { Code, createClient } from "@connectrpc/connect";
import { AuthService } from "@carshare/client/auth/v1/auth_service";
import { Role } from "@carshare/client/options/v1/options";
import { BookingService } from "@carshare/client/booking/v1/booking_service";
import { NotificationService } from "@carshare/client/notification/v1/notification_service";
import { VehicleService } from "@carshare/client/vehicle/v1/vehicle_service";
import { BadRequestSchema, ErrorInfoSchema } from "@carshare/client/error_details";
import { equal, refused, runCases } from "./assert.mjs";

const NO_BOOKING = "00000000-0000-7000-8000-000000000000";

/** Runs every case and returns their names. */
export async function run(transport) {
  const client = (service) => createClient(service, transport);
  const auth = client(AuthService);
  const account = await auth.register({
    email: `web-${crypto.randomUUID()}@example.com`,
    password: "correct horse 42",
    name: "김민지",
    phone: "010-2345-6789",
    role: Role.GUEST,
  });
  const as = (token, language = "en") => ({
    headers: { authorization: `Bearer ${token}`, "accept-language": language },
  });
  const signedIn = as(account.accessToken);
  return runCases({
    "unary call": async () => {
      const me = await auth.getMe({}, signedIn);
      equal(me.name, "김민지");
    },
    "error with code, details and the text of the language": async () => {
      for (const [language, text] of [["en", "There is no such booking."], ["ko", "예약을 찾을 수 없습니다."]]) {
        const call = client(BookingService).getBooking({ bookingId: NO_BOOKING }, as(account.accessToken, language));
        const error = await refused(call, Code.NotFound);
        equal(error.rawMessage, text);
        equal(error.findDetails(ErrorInfoSchema)[0].metadata.code, "BOOKING001");
      }
    },
    "invalid request names its fields": async () => {
      const call = client(VehicleService).searchVehicles({ radius: -1 }, signedIn);
      const error = await refused(call, Code.InvalidArgument);
      const fields = error.findDetails(BadRequestSchema)[0].fieldViolations.map((violation) => violation.field);
      if (!fields.includes("radius")) throw new Error(`no radius in ${fields}`);
    },
    "token that was tampered with": async () => {
      await refused(auth.getMe({}, as(`${account.accessToken}x`)), Code.Unauthenticated);
    },
    "stream begins and ends at its deadline": async () => {
      const stream = client(NotificationService).subscribe({}, { ...signedIn, timeoutMs: 2_000 });
      const received = [];
      const read = (async () => {
        for await (const message of stream) received.push(message.event.case);
      })();
      await refused(read, Code.DeadlineExceeded);
      equal(received[0], "heartbeat");
    },
    "stream ends when the client leaves": async () => {
      const leave = new AbortController();
      const read = (async () => {
        for await (const _ of client(NotificationService).subscribe({}, { ...signedIn, signal: leave.signal })) leave.abort();
      })();
      await refused(read, Code.Canceled);
    },
    "stream is refused after logout": async () => {
      await auth.logout({ refreshToken: account.refreshToken }, signedIn);
      const read = (async () => {
        for await (const _ of client(NotificationService).subscribe({}, signedIn)) break;
      })();
      await refused(read, Code.Unauthenticated);
    },
  });
}
