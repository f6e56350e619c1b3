// The package @carshare/client behind a network that fails. Needs a mesh whose tokens expire in seconds and whose streams have a heartbeat
// every fraction of a second.

import { CarshareError, Code, createCarshareClient, memoryTokenStore } from "@carshare/client";
import { FuelType, Transmission } from "@carshare/client/vehicle/v1/vehicle";
import { Role } from "@carshare/client/options/v1/options";
import { createClient } from "@connectrpc/connect";
import { AuthService } from "@carshare/client/auth/v1/auth_service";
import { equal, runCases } from "./assert.mjs";
import { untilExpired } from "./expiry_cases.mjs";

const NO_BOOKING = "00000000-0000-7000-8000-000000000000";
const PASSWORD = "correct horse 42";

/**
 * Runs every case and returns their names. `network` is the proxy of network.mjs, `create` the option `transport` of the package, `direct` a
 * stock transport around the proxy.
 */
export async function run({ network, create, direct }) {
  const open = (tokens, options) =>
    createCarshareClient({ baseUrl: network.url, tokens, language: "en", ...(create && { transport: create }), ...options });
  const email = `package-${crypto.randomUUID()}@example.com`;
  const ended = [];
  const store = countingStore();
  const host = open(store, { onSessionEnd: (error) => ended.push(error.code) });
  const stock = createClient(AuthService, direct);
  const expire = async () => equal(await untilExpired(direct, store.load().accessToken), "TOKEN_EXPIRED");

  return runCases({
    "register and a call": async () => {
      const user = await host.register({ email, password: PASSWORD, name: "박서준", phone: "010-2345-6789", role: Role.HOST });
      equal((await host.auth.getMe({})).id, user.id);
    },
    "error has reason, code and the text of the language": async () => {
      const korean = open(store, { language: () => "ko" });
      for (const [client, text] of [[host, "There is no such booking."], [korean, "예약을 찾을 수 없습니다."]]) {
        const error = await failure(client.booking.getBooking({ bookingId: NO_BOOKING }));
        equal([error.status, error.reason, error.code, error.message], [Code.NotFound, "BOOKING_NOT_FOUND", "BOOKING001", text]);
      }
    },
    "error names the invalid fields": async () => {
      const error = await failure(host.vehicle.searchVehicles({ radius: -1 }));
      const radius = error.fieldViolations.find((violation) => violation.field === "radius");
      equal([error.code, radius.rule !== "", radius.korean !== ""], ["COMMON001", true, true]);
    },
    "expired token is refreshed once for concurrent calls": async () => {
      await expire();
      const saves = store.saves;
      await Promise.all(Array.from({ length: 8 }, () => host.auth.getMe({})));
      equal(store.saves - saves, 1, "refreshes");
    },
    "clients that share a store refresh once": async () => {
      await expire();
      const saves = store.saves;
      const tabs = [host, open(store), open(store)];
      await Promise.all(tabs.map((tab) => tab.auth.getMe({})));
      await Promise.all(tabs.map((tab) => tab.auth.getMe({})));
      // Without Web Locks each may send its own, with one key.
      if (globalThis.navigator?.locks) equal(store.saves - saves, 1, "refreshes");
    },
    "refresh is repeated after its reply was lost": async () => {
      await network.loseReply();
      const stale = store.load();
      await host.session.renew(stale.accessToken);
      if (store.load().refreshToken === stale.refreshToken) throw new Error("no new tokens");
      await host.auth.getMe({});
    },
    "refresh is repeated by a process that replaces a dead one": async () => {
      const stored = store.load();
      const [dead, successor] = [memoryTokenStore(stored), memoryTokenStore(stored)];
      const first = await open(dead).session.renew(stored.accessToken);
      const second = await open(successor).session.renew(stored.accessToken);
      equal(second.refreshToken, first.refreshToken);
      store.save(second);
    },
    "write whose reply was lost is executed once": async () => {
      await network.loseReply();
      const car = await host.vehicle.createVehicle(newCar());
      const listed = await host.vehicle.listMyVehicles({});
      equal(listed.vehicles.map((vehicle) => vehicle.id), [car.id]);
    },
    "stream loses and repeats nothing": () => streamCase(host, network, open(store, { baseUrl: network.gateway }), expire),
    "stream ends without an error when it is aborted": async () => {
      const leave = new AbortController();
      for await (const _ of host.notifications({ cursor: "0", signal: leave.signal })) leave.abort();
    },
    "stream with an invalid cursor is refused": async () => {
      const error = await failure(host.notifications({ cursor: "x" }).next());
      equal(error.status, Code.InvalidArgument);
    },
    "stream and session end when another client signs out": async () => {
      const [tokens, ends] = [memoryTokenStore(), []];
      const other = open(tokens, { onSessionEnd: (error) => ends.push(error.code) });
      await other.signIn({ email, password: PASSWORD });
      const stream = other.notifications({ cursor: "0" });
      equal((await stream.next()).value.notification.type, "user.registered");
      await stock.logout({}, { headers: { authorization: `Bearer ${tokens.load().accessToken}` } });
      const error = await failure(drain(stream));
      equal([error.status, ends.length, tokens.load()], [Code.Unauthenticated, 1, undefined]);
    },
    "refused refresh ends the session": async () => {
      const { accessToken } = store.load();
      const tokens = memoryTokenStore({ accessToken: `${accessToken}x`, refreshToken: "0".repeat(32), refreshKey: "1" });
      const ends = [];
      const other = open(tokens, { onSessionEnd: (error) => ends.push(error.reason) });
      const errors = await Promise.all([1, 2, 3].map(() => failure(other.auth.getMe({}))));
      equal(errors.map((error) => error.reason), Array(3).fill("INVALID_REFRESH_TOKEN"));
      equal([ends, tokens.load()], [["INVALID_REFRESH_TOKEN"], undefined]);
    },
    "sign out": async () => {
      await host.signOut();
      const error = await failure(host.auth.getMe({}));
      equal([error.code, store.load(), ended], ["AUTH001", undefined, []]);
    },
  });
}

/** A stream over refused, silent and ended connections. Cars are registered around the proxy. */
async function streamCase(host, network, other, expire) {
  const [leave, received, waiting] = [new AbortController(), [], []];
  const options = { cursor: "0", signal: leave.signal, silenceMs: 2_000, backoff: { firstMs: 20, maxMs: 200 } };
  const read = (async () => {
    for await (const { notification } of host.notifications(options)) {
      received.push(notification.data.vehicle_id ?? notification.type);
      for (const { count, resolve } of waiting) if (count <= received.length) resolve();
    }
  })();
  // The account and the car of the case before.
  const known = 2;
  const cars = [];
  const register = async () => cars.push((await other.vehicle.createVehicle(newCar())).id);
  const arrived = () => {
    const count = known + cars.length;
    const all = new Promise((resolve) => (received.length >= count ? resolve() : waiting.push({ count, resolve })));
    return Promise.race([all, read]);
  };
  await arrived();
  await network.cut();
  await register();
  await register();
  await network.restore();
  await arrived();
  await network.stall();
  await register();
  await arrived();
  await expire();
  await register();
  await arrived();
  leave.abort();
  await read;
  equal(received.slice(known), cars);
}

function newCar() {
  return {
    licensePlate: `${10 + random(60)}하${1000 + random(9000)}`,
    make: "Genesis",
    model: "G80",
    year: 2025,
    fuelType: FuelType.GASOLINE,
    transmission: Transmission.AUTOMATIC,
    hourlyRate: 20_000n,
    locationAddress: "서울 중구 세종대로 110",
  };
}

function random(below) {
  return Math.floor(Math.random() * below);
}

/** A store in memory that counts what is saved. */
function countingStore() {
  const store = memoryTokenStore();
  const counting = {
    lockName: "cases",
    saves: 0,
    load: () => store.load(),
    save: (tokens) => {
      counting.saves++;
      store.save(tokens);
    },
  };
  return counting;
}

async function failure(promise) {
  try {
    await promise;
  } catch (cause) {
    return CarshareError.from(cause);
  }
  throw new Error("succeeded; expected a failure");
}

async function drain(stream) {
  for await (const _ of stream);
}
