// Starts `specgraph view` on a file and a page on its address; what a test opens is closed after it.
import { spawn } from "node:child_process";
import { mkdtemp, mkdir, writeFile, rm } from "node:fs/promises";
import { existsSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const ROOT = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
export const PYTHON = process.env.SPECGRAPH_TEST_PYTHON ?? "python";
const BROWSER = process.env.SPECGRAPH_BROWSER ?? ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

let shared = null;
export async function browser() {
  shared ??= await chromium.launch({ executablePath: BROWSER, args: FLAGS });
  return shared;
}
export async function closeBrowser() {
  await shared?.close();
  shared = null;
}

/** A folder of its own with these files, that is a project. */
export async function project(files) {
  const folder = await mkdtemp(path.join(os.tmpdir(), "specgraph-view-"));
  await writeFile(path.join(folder, "pyproject.toml"), "[project]\n");
  for (const [name, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(folder, name)), { recursive: true });
    await writeFile(path.join(folder, name), text);
  }
  return folder;
}

/** Run `specgraph view` with arguments; resolves with its address and a way to end it. */
export function serve(...args) {
  const child = spawn(PYTHON, ["-m", "specgraph", "view", "--no-open", ...args], { cwd: ROOT, env: { ...process.env, EDITOR: "", VISUAL: "" } });
  return new Promise((resolve, reject) => {
    let said = "";
    child.stderr.on("data", (text) => (said += text));
    child.stdout.once("data", (text) => resolve({ address: String(text).trim().split("\n")[0], stop: () => ended(child) }));
    child.once("exit", (code) => reject(new Error(`view ended with ${code}: ${said}`)));
  });
}

function ended(child) {
  return new Promise((resolve) => {
    child.once("exit", resolve);
    child.kill("SIGINT");
  });
}

export function command(...args) {
  const child = spawn(PYTHON, ["-m", "specgraph", ...args], { cwd: ROOT });
  return new Promise((resolve) => {
    let [out, err] = ["", ""];
    child.stdout.on("data", (text) => (out += text));
    child.stderr.on("data", (text) => (err += text));
    child.once("exit", (code) => resolve({ code, out, err }));
  });
}

/** A page on an address, ready; `errors` collects what it complains of. */
export async function open(address, { width = 1280, height = 860, ...more } = {}) {
  const context = await (await browser()).newContext({ viewport: { width, height }, ...more });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.on("dialog", (dialog) => {
    errors.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  await page.goto(address);
  await page.evaluate(() => window.specgraph.ready);
  return { page, errors, close: () => context.close() };
}

/** Serve these arguments and open the page; `use` gets it, and everything is closed after. */
export async function viewing(args, use, options = {}) {
  const server = await serve(...args);
  try {
    const opened = await open(server.address, options);
    try {
      await use({ ...opened, address: server.address });
    } finally {
      await opened.close();
    }
  } finally {
    await server.stop();
  }
}

export const item = (page, name) => page.locator(`[role=treeitem][data-path="${name}"]`);
export const position = (page, name) => page.evaluate((given) => window.specgraph.position(given), name);
export const remove = (folder) => rm(folder, { recursive: true, force: true });

/** Wait until a check on the page holds. */
export async function until(check, what, milliseconds = 8000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    if (await check()) return;
    if (Date.now() > end) throw new Error(`never came: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 40));
  }
}

export const CELLS = `specgraph: 1
name: cells
inputs: {image: [3, 32, 32]}
blocks:
  cell:
    args: {c: 16}
    nodes:
      conv: {op: conv, out_channels: $c, kernel_size: 3, padding: 1}
      act: {op: relu}
      sum: {op: add, from: [act, input]}
nodes:
  stem: {op: conv, out_channels: 16, kernel_size: 3, padding: 1}
  first: {block: cell}
  pool: {op: max_pool, kernel_size: 2}
  cells: {block: cell, repeat: 6}
  head: [{op: global_avg_pool}, {op: flatten}, {op: linear, out_features: 10}]
`;

/** A small network with the recipe of so many epochs on digits. */
export function trainedSpec(name, epochs) {
  return `specgraph: 1
name: ${name}
inputs: {image: [1, 8, 8]}
nodes:
  conv: {op: conv, out_channels: 4, kernel_size: 3}
  act: {op: relu}
  flat: {op: flatten}
  fc: {op: linear, out_features: 10}
recipes: {default: {data: {name: digits}, epochs: ${epochs}, batch_size: 64}}
`;
}
