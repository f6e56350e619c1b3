// Runs cases in headless Chromium, from an origin of its own. Usage: node chromium.mjs GATEWAY CHROMIUM stock|expiry|package

import { createServer } from "node:http";
import { build } from "esbuild";
import { launch } from "puppeteer-core";
import { startNetwork } from "./network.mjs";

const [gateway, executablePath, suite] = process.argv.slice(2);
const bundle = await build({ entryPoints: ["page.mjs"], bundle: true, write: false, format: "iife" });
const page = `<!doctype html><title>cases</title><script>${bundle.outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
const server = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(page));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const network = await startNetwork(gateway);

const browser = await launch({ executablePath, args: ["--no-sandbox"] });
try {
  const tab = await browser.newPage();
  for (const name of ["cut", "restore", "stall", "loseReply"]) await tab.exposeFunction(name, network[name]);
  const query = JSON.stringify({ gateway, suite, url: network.url });
  await tab.goto(`http://localhost:${server.address().port}/?${encodeURIComponent(query)}`);
  for (const line of await tab.evaluate(() => window.run())) console.log(`Chromium, ${line}`);
} finally {
  await browser.close();
  network.close();
  server.close();
}
