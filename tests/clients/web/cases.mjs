// What an app does, over any transport of connect-es. Each case throws when it fails.

import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { AuthService } from "./gen/carshare/auth/v1/auth_service_pb.js";
import { Role } from "./gen/carshare/options/v1/options_pb.js";
import { BookingService } from "./gen/carshare/booking/v1/booking_service_pb.js";
import { NotificationService } from "./gen/carshare/notification/v1/notification_service_pb.js";
import { VehicleService } from "./gen/carshare/vehicle/v1/vehicle_service_pb.js";
import { BadRequestSchema, ErrorInfoSchema } from "./gen/google/rpc/error_details_pb.js";

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
  const cases = {
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
  };
  for (const [name, check] of Object.entries(cases)) {
    try {
      await check();
    } catch (cause) {
      throw new Error(`${name}: ${cause.message}`, { cause });
    }
  }
  return Object.keys(cases);
}

/** Waits for a failure and returns it. */
async function refused(promise, code) {
  try {
    await promise;
  } catch (cause) {
    const error = ConnectError.from(cause);
    if (error.code !== code) throw new Error(`${Code[error.code]} for ${Code[code]}: ${error.message}`, { cause });
    return error;
  }
  throw new Error(`succeeded; expected ${Code[code]}`);
}

function equal(actual, expected) {
  if (actual !== expected) throw new Error(`${JSON.stringify(actual)} is not ${JSON.stringify(expected)}`);
}
