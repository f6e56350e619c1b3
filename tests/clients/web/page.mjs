// Runs the cases in a browser. The gateway is the query of the page's URL.

import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { run } from "./cases.mjs";

const baseUrl = decodeURIComponent(location.search.slice(1));
window.results = (async () => {
  const transports = {
    "Connect, JSON": createConnectTransport({ baseUrl }),
    "Connect, protobuf": createConnectTransport({ baseUrl, useBinaryFormat: true }),
    "gRPC-web": createGrpcWebTransport({ baseUrl }),
  };
  const lines = [];
  for (const [name, transport] of Object.entries(transports)) {
    const cases = await run(transport).catch((cause) => {
      throw new Error(`${name}: ${cause.message}`, { cause });
    });
    lines.push(`${name}: ${cases.length} cases`);
  }
  return lines;
})();
