// Runs cases in a browser. The query of the page's URL is the JSON of `{ gateway, suite, url }`; `url` is the proxy to the gateway.

import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { run as runStock } from "./cases.mjs";
import { run as runExpiry } from "./expiry_cases.mjs";
import { run as runPackage } from "./package_cases.mjs";
import { openTab } from "./tab.mjs";

const { gateway, suite, url } = JSON.parse(decodeURIComponent(location.search.slice(1)));
const baseUrl = gateway;
const transports = {
  "Connect, JSON": createConnectTransport({ baseUrl }),
  "Connect, protobuf": createConnectTransport({ baseUrl, useBinaryFormat: true }),
  "gRPC-web": createGrpcWebTransport({ baseUrl }),
};

window.openTab = () => openTab(gateway, transports["Connect, JSON"]);

/** Runs the suite and returns a line for each transport. */
window.run = async () => {
  const runs = {};
  if (suite === "package") {
    // Functions of the test's process.
    const { cut, restore, stall, loseReply } = window;
    const network = { gateway, url, cut, restore, stall, loseReply };
    runs.package = () => runPackage({ network, direct: transports["Connect, JSON"] });
  } else {
    const run = suite === "stock" ? runStock : runExpiry;
    for (const [name, transport] of Object.entries(transports)) runs[`${name}, ${suite}`] = () => run(transport);
  }
  const lines = [];
  for (const [name, run] of Object.entries(runs)) {
    const cases = await run().catch((cause) => {
      throw new Error(`${name}: ${cause.message}`, { cause });
    });
    lines.push(`${name}: ${cases.length} cases`);
  }
  return lines;
};
