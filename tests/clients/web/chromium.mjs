// Runs cases in headless Chromium, from an origin of its own. Usage: node chromium.mjs GATEWAY CHROMIUM stock|expiry|package

import { createServer } from "node:http";
import { build } from "esbuild";
import { launch } from "puppeteer-core";
import { equal } from "./assert.mjs";
import { startNetwork } from "./network.mjs";

const [gateway, executablePath, suite] = process.argv.slice(2);
const bundle = await build({ entryPoints: ["page.mjs"], bundle: true, write: false, format: "iife" });
const page = `<!doctype html><title>cases</title><script>${bundle.outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
const server = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(page));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const network = await startNetwork(gateway);

const browser = await launch({ executablePath, args: ["--no-sandbox"] });
try {
  const query = JSON.stringify({ gateway, suite, url: network.url });
  const open = async () => {
    const tab = await browser.newPage();
    for (const name of ["cut", "restore", "stall", "loseReply"]) await tab.exposeFunction(name, network[name]);
    await tab.goto(`http://localhost:${server.address().port}/?${encodeURIComponent(query)}`);
    return tab;
  };
  const tab = await open();
  for (const line of await tab.evaluate(() => window.run())) console.log(`Chromium, ${line}`);
  if (suite === "package") {
    await runTabs([tab, await open(), await open()]);
    console.log("Chromium, tabs that share a session: 1 case");
  }
} finally {
  await browser.close();
  network.close();
  server.close();
}

/** Tabs that share a session refresh its expired tokens once. */
async function runTabs(tabs) {
  for (const tab of tabs) await tab.evaluate(() => (window.tab = window.openTab()) && null);
  await tabs[0].evaluate(() => window.tab.register());
  await tabs[0].evaluate(() => window.tab.expire());
  const calls = await Promise.all(tabs.map((tab) => tab.evaluate(() => window.tab.call())));
  equal(new Set(calls.map((call) => call.user)).size, 1, "users");
  equal(calls.reduce((sum, call) => sum + call.saves, 0), 1, "refreshes");
}
