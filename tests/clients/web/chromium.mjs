// Runs the cases in headless Chromium, from an origin of its own. Usage: node chromium.mjs GATEWAY CHROMIUM

import { createServer } from "node:http";
import { build } from "esbuild";
import { launch } from "puppeteer-core";

const [gateway, executablePath] = process.argv.slice(2);
const bundle = await build({ entryPoints: ["page.mjs"], bundle: true, write: false, format: "iife" });
const page = `<!doctype html><title>cases</title><script>${bundle.outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
const server = createServer((_, response) => response.setHeader("content-type", "text/html; charset=utf-8").end(page));
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));

const browser = await launch({ executablePath, args: ["--no-sandbox"] });
try {
  const tab = await browser.newPage();
  await tab.goto(`http://localhost:${server.address().port}/?${encodeURIComponent(gateway)}`);
  for (const line of await tab.evaluate(() => window.results)) console.log(`Chromium, ${line}`);
} finally {
  await browser.close();
  server.close();
}
