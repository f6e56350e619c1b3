// A TCP proxy in front of the gateway, whose connections can be cut, stalled and refused.

import { connect, createServer } from "node:net";

/** Starts a proxy to the URL `gateway`. */
export async function startNetwork(gateway) {
  const target = new URL(gateway);
  const pairs = new Set();
  let refusing = false;
  let losing = false;
  const end = (pair) => {
    pairs.delete(pair);
    pair.client.destroy();
    pair.server.destroy();
  };
  const proxy = createServer((client) => {
    if (refusing) return client.destroy();
    const pair = { client, server: connect(target.port, target.hostname), stalled: false };
    pairs.add(pair);
    for (const socket of [client, pair.server]) socket.on("error", () => end(pair)).on("close", () => end(pair));
    client.on("data", (bytes) => pair.server.write(bytes));
    pair.server.on("data", (bytes) => {
      if (losing) {
        losing = false;
        end(pair);
      } else if (!pair.stalled) {
        client.write(bytes);
      }
    });
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    gateway,
    url: `http://127.0.0.1:${proxy.address().port}`,
    /** Ends every connection and refuses new ones. */
    cut: () => {
      refusing = true;
      for (const pair of pairs) end(pair);
    },
    /** Accepts connections again. */
    restore: () => {
      refusing = false;
    },
    /** Delivers nothing more on the open connections, and does not close them. */
    stall: () => {
      for (const pair of pairs) pair.stalled = true;
    },
    /** Ends the next connection on which the gateway replies, instead of delivering the reply. */
    loseReply: () => {
      losing = true;
    },
    close: () => {
      for (const pair of pairs) end(pair);
      proxy.close();
    },
  };
}
