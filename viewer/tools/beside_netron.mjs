// The same ONNX files in this page and in Netron, from opening to the first picture. Medians of five.
//   node viewer/tools/beside_netron.mjs NETRON    (the command `netron` of the PyPI package of that name)
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { PYTHON, ROOT, browser, closeBrowser, project, remove, serve } from "../tests/harness.mjs";

const NETRON = process.argv[2] ?? "netron";
const PORT = 18080;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Milliseconds from asking for an address to the first box of the network, as the browser's driver sees it. */
async function untilSeen(address, box) {
  const context = await (await browser()).newContext({ viewport: { width: 1280, height: 860 } });
  await context.addCookies([{ name: "consent", value: String(Date.now()), url: address }]); // Netron asks for it first
  const page = await context.newPage();
  const start = performance.now();
  await page.goto(address);
  await page.locator(box).first().waitFor({ timeout: 40000 });
  const taken = performance.now() - start;
  await context.close();
  return taken;
}

async function five(address, box) {
  const times = [];
  for (let turn = 0; turn < 5; turn++) times.push(await untilSeen(address, box));
  return median(times);
}

async function ours(file) {
  const server = await serve(file);
  const taken = await five(server.address, ".picture [data-box]");
  await server.stop();
  return taken;
}

async function theirs(file) {
  const child = spawn(NETRON, ["--port", String(PORT), file], { stdio: "ignore" });
  const address = `http://127.0.0.1:${PORT}/`;
  try {
    for (let tries = 0; tries < 50; tries++)
      try {
        await fetch(address);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    return await five(address, "svg g.node");
  } catch (error) {
    return error.name === "TimeoutError" ? Infinity : Promise.reject(error);
  } finally {
    child.kill();
  }
}

const folder = await project({});
for (const nodes of [2000, 10000]) {
  const file = path.join(folder, `unnamed-${nodes}.onnx`);
  execFileSync(PYTHON, [path.join(ROOT, "viewer", "tools", "unnamed_onnx.py"), file, String(nodes)]);
  console.log(`ONNX, ${nodes} nodes without names: here ${Math.round(await ours(file))} ms, Netron ${Math.round(await theirs(file))} ms`);
}
await closeBrowser();
await remove(folder);
