// The widget of notebooks: its page in a frame of its own, laid out by the worker, without a server.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { after, test } from "node:test";
import { PYTHON, ROOT, browser, closeBrowser, until } from "./harness.mjs";

after(closeBrowser);

test("a notebook's cell shows the page", async () => {
  const program = `
import json, specgraph
from specgraph.view.notebook import ESM, widget
made = widget(specgraph.load("specs/googlenet.yaml"))
print(json.dumps({"esm": ESM, "page": made.page, "title": made.title, "height": made.height}))
`;
  const made = JSON.parse(execFileSync(PYTHON, ["-c", program], { cwd: ROOT, encoding: "utf8", maxBuffer: 1 << 26 }));
  const page = await (await browser()).newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  await page.goto("data:text/html,<div id=cell></div>");
  await page.evaluate(async ({ esm, ...values }) => {
    const module = await import(`data:text/javascript,${encodeURIComponent(esm)}`);
    module.default.render({ model: { get: (name) => values[name] }, el: document.getElementById("cell") });
  }, made);
  const frame = page.frameLocator("iframe");
  await until(() => frame.locator("[role=treeitem]").count(), "the tree");
  await frame.locator('[data-path="inception3a"] .toggle').click();
  await until(() => frame.locator('.picture [data-box="inception3a.concat"]').count(), "a block unfolded");
  const inner = page.frames()[1];
  const [left, right] = await inner.evaluate(() => ["inception3a.branch1", "inception3a.branch2"].map((name) => window.specgraph.position(name).y));
  assert.ok(Math.abs(left - right) < 60, "branches stand side by side");
  assert.deepEqual(errors, []);
});
