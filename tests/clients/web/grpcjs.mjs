// Calls the mesh with grpc-js, its protos loaded at run time, and stops it. Usage: node grpcjs.mjs GATEWAY PROTO_FOLDER PROCESS_ID

import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { equal } from "./assert.mjs";

const [gateway, protos, mesh] = process.argv.slice(2);
const files = ["carshare/auth/v1/auth_service.proto", "carshare/notification/v1/notification_service.proto"];
const loaded = loadSync(files, { includeDirs: [protos], keepCase: true, oneofs: true });
const { auth, notification } = grpc.loadPackageDefinition(loaded).carshare;
const open = (Service) => new Service(new URL(gateway).host, grpc.credentials.createInsecure());
const client = open(auth.v1.AuthService);
const call = (method, request) =>
  new Promise((resolve, reject) => client[method](request, (error, reply) => (error ? reject(error) : resolve(reply))));

const keys = await call("GetJwks", {});
if (keys.keys.length === 0) throw new Error("no key");
equal(await call("GetMe", {}).catch((error) => error.code), grpc.status.UNAUTHENTICATED);

const account = await call("Register", {
  email: `grpcjs-${crypto.randomUUID()}@example.com`,
  password: "correct horse 42",
  name: "김민지",
  phone: "010-2345-6789",
  role: "ROLE_GUEST",
});
const metadata = new grpc.Metadata();
metadata.set("authorization", `Bearer ${account.access_token}`);
const notifications = open(notification.v1.NotificationService);

/** Reads a stream to its end. Returns its first event and its error. */
async function endOf(options, onData = () => {}) {
  const received = [];
  const stream = notifications.Subscribe({}, metadata, options);
  stream.on("data", (message) => {
    received.push(message.event);
    onData();
  });
  const error = await new Promise((resolve) => stream.on("error", resolve));
  return { first: received[0], error };
}

const late = await endOf({ deadline: Date.now() + 2_000 });
equal([late.first, late.error.code], ["heartbeat", grpc.status.DEADLINE_EXCEEDED]);

const stopped = await endOf({}, () => process.kill(mesh, "SIGTERM"));
const [details] = stopped.error.metadata.get("grpc-status-details-bin");
equal([stopped.error.code, details.includes("UNAVAILABLE")], [grpc.status.UNAVAILABLE, true]);
console.log("grpc-js: 5 calls");
process.exit(0);
