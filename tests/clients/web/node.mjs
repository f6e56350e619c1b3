// Runs cases in Node over each protocol. Usage: node node.mjs GATEWAY stock|expiry|package

import * as node from "@connectrpc/connect-node";
import { run as runStock } from "./cases.mjs";
import { run as runExpiry } from "./expiry_cases.mjs";
import { startNetwork } from "./network.mjs";
import { run as runPackage } from "./package_cases.mjs";

const [gateway, suite] = process.argv.slice(2);
const transports = {
  "Connect, JSON": node.createConnectTransport({ baseUrl: gateway, httpVersion: "1.1", useBinaryFormat: false }),
  "Connect, protobuf over HTTP/2": node.createConnectTransport({ baseUrl: gateway, httpVersion: "2" }),
  "gRPC-web": node.createGrpcWebTransport({ baseUrl: gateway, httpVersion: "1.1" }),
  gRPC: node.createGrpcTransport({ baseUrl: gateway }),
};

async function report(name, run) {
  const cases = await run.catch((cause) => {
    throw new Error(`${name}: ${cause.message}`, { cause });
  });
  console.log(`${name}: ${cases.length} cases`);
}

if (suite === "package") {
  const network = await startNetwork(gateway);
  const direct = transports.gRPC;
  // Pings detect a connection that delivers nothing more. Fetch opens a new one.
  const overGrpc = (options) => node.createGrpcTransport({ ...options, pingIntervalMs: 500, pingTimeoutMs: 500 });
  for (const [name, create] of [["fetch", undefined], ["gRPC", overGrpc]]) {
    await report(`package over ${name}`, runPackage({ network, create, direct }));
  }
} else {
  const run = suite === "stock" ? runStock : runExpiry;
  for (const [name, transport] of Object.entries(transports)) await report(`${name}, ${suite}`, run(transport));
}
process.exit(0);
