// How fast large networks are shown: first paint, fold and unfold, a one-line edit. Medians of five.
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { closeBrowser, open, project, remove, serve } from "../tests/harness.mjs";

const CELL = `specgraph: 1
name: large
inputs: {image: [8, 32, 32]}
blocks:
  cell:
    nodes:
      conv1: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      bn1: {op: batch_norm}
      act1: {op: relu}
      conv2: {op: conv, out_channels: 8, kernel_size: 1}
      bn2: {op: batch_norm}
      act2: {op: relu}
      conv3: {op: conv, out_channels: 8, kernel_size: 3, padding: 1}
      bn3: {op: batch_norm}
      add: {op: add, from: [bn3, input]}
      act3: {op: relu}
  stage:
    nodes:
      head: {op: conv, out_channels: 8, kernel_size: 1}
      cells: {block: cell, repeat: 10}
      side: {op: relu, from: head}
      join: {op: add, from: [cells, side]}
nodes:
`;
const stages = (count) => CELL + Array.from({ length: count }, (_, index) => `  stage${index}: {block: stage}\n`).join("");
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

async function firstPaint(address) {
  const { page, close } = await open(address);
  const time = await page.evaluate(() => performance.getEntriesByName("first-picture")[0]?.startTime ?? performance.now());
  await close();
  return time;
}

async function measure(count, nodes) {
  process.env.SPECGRAPH_MAX_NODES = "1000000";
  const folder = await project({ "net.yaml": stages(count) });
  const file = path.join(folder, "net.yaml");
  const server = await serve(file);
  const paints = [];
  for (let turn = 0; turn < 5; turn++) paints.push(await firstPaint(server.address));
  const { page } = await open(server.address);
  const folds = await page.evaluate(async () => {
    const taken = [];
    const paths = [...document.querySelectorAll("[role=treeitem][aria-expanded=false]")].slice(0, 5).map((row) => row.dataset.path);
    for (const each of [...paths, ...paths]) {
      const start = performance.now();
      await window.specgraph.toggle(each);
      await new Promise((resolve) => requestAnimationFrame(resolve));
      taken.push(performance.now() - start);
    }
    return taken;
  });
  const edits = [];
  for (let turn = 0; turn < 5; turn++) {
    const text = await readFile(file, "utf8");
    const shown = page.evaluate(() => new Promise((resolve) => window.specgraph.onChange(() => resolve(Date.now()))));
    await page.evaluate(() => 0);
    const start = Date.now();
    await writeFile(file, turn % 2 ? text.replace("kernel_size: 5, padding: 2", "kernel_size: 3, padding: 1") : text.replace("kernel_size: 3, padding: 1", "kernel_size: 5, padding: 2"));
    edits.push((await shown) - start);
  }
  await server.stop();
  await closeBrowser();
  await remove(folder);
  const say = (values) => `${Math.round(median(values))} ms`;
  console.log(`${nodes} nodes: first paint ${say(paints)}, fold and unfold ${say(folds)}, an edit shown ${say(edits)}`);
}

await measure(97, "10,000");
if (!process.argv.includes("--quick")) await measure(970, "100,000");
