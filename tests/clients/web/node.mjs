// Runs the cases in Node over each protocol, and a call with grpc-js. Usage: node node.mjs GATEWAY PROTO_FOLDER

import * as node from "@connectrpc/connect-node";
import grpc from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { run } from "./cases.mjs";

const [gateway, protos] = process.argv.slice(2);
const transports = {
  "Connect, JSON": node.createConnectTransport({ baseUrl: gateway, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, protobuf over HTTP/2": node.createConnectTransport({ baseUrl: gateway, httpVersion: "2" }),
  "gRPC-web": node.createGrpcWebTransport({ baseUrl: gateway, httpVersion: "1.1" }),
  gRPC: node.createGrpcTransport({ baseUrl: gateway }),
};
for (const [name, transport] of Object.entries(transports)) {
  const cases = await run(transport).catch((cause) => {
    throw new Error(`${name}: ${cause.message}`, { cause });
  });
  console.log(`${name}: ${cases.length} cases`);
}

const loaded = loadSync("carshare/auth/v1/auth_service.proto", {
  includeDirs: [protos, `${protos}/third_party/googleapis`, `${protos}/third_party/protovalidate`],
  keepCase: true,
});
const { AuthService } = grpc.loadPackageDefinition(loaded).carshare.auth.v1;
const client = new AuthService(new URL(gateway).host, grpc.credentials.createInsecure());
const keys = await new Promise((resolve, reject) =>
  client.GetJwks({}, (error, reply) => (error ? reject(error) : resolve(reply))),
);
if (keys.keys.length === 0) throw new Error("grpc-js: no key");
const code = await new Promise((resolve) => client.GetMe({}, (error) => resolve(error.code)));
if (code !== grpc.status.UNAUTHENTICATED) throw new Error(`grpc-js: ${code}`);
client.close();
console.log("grpc-js: 2 calls");
process.exit(0);
