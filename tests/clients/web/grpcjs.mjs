// Calls the mesh with grpc-js, its protos loaded at run time. Usage: node grpcjs.mjs GATEWAY PROTO_FOLDER

import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { equal } from "./assert.mjs";

const [gateway, protos] = process.argv.slice(2);
const loaded = loadSync(["carshare/auth/v1/auth_service.proto", "carshare/notification/v1/notification_service.proto"], {
  includeDirs: [protos, `${protos}/third_party/googleapis`, `${protos}/third_party/protovalidate`],
  keepCase: true,
  oneofs: true,
});
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
const stream = open(notification.v1.NotificationService).Subscribe({}, metadata, { deadline: Date.now() + 2_000 });
const received = [];
stream.on("data", (message) => received.push(message.event));
const end = await new Promise((resolve) => stream.on("error", resolve));
equal([received[0], end.code], ["heartbeat", grpc.status.DEADLINE_EXCEEDED]);
console.log("grpc-js: 4 calls");
process.exit(0);
