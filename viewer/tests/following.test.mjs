// The file changes, cures are written, differences and runs are shown, and hostile text stays text.
import assert from "node:assert/strict";
import { readFile, writeFile, appendFile } from "node:fs/promises";
import path from "node:path";
import { after, test } from "node:test";
import { CELLS, ROOT, closeBrowser, command, item, open, position, project, remove, trainedSpec, until, viewing } from "./harness.mjs";

after(closeBrowser);

async function withSpec(text, use, args = []) {
  const folder = await project({ "net.yaml": text });
  const file = path.join(folder, "net.yaml");
  try {
    await viewing([file, ...args], (page) => use({ ...page, file }));
  } finally {
    await remove(folder);
  }
}

test("an error stands on its node, the rest is drawn, and its cure is written", async () => {
  await withSpec(CELLS.replace("op: max_pool", "op: max_poool"), async ({ page, file }) => {
    assert.equal(await item(page, "pool").getAttribute("data-severity"), "error");
    assert.match(await item(page, "first.conv").or(item(page, "first")).first().innerText(), /./);
    assert.equal(await item(page, "cells").count(), 1);
    await item(page, "pool").click();
    const panel = page.locator(".panel");
    assert.match(await panel.innerText(), /SG206/);
    assert.match(await panel.locator(".changes .added").innerText(), /op: max_pool,/);
    await panel.locator("button.cure").click();
    await until(async () => (await item(page, "pool").getAttribute("data-severity")) === null, "the error gone");
    assert.equal(await readFile(file, "utf8"), CELLS);
  });
});

test("a read-only page has no button that writes", async () => {
  await withSpec(CELLS.replace("op: max_pool", "op: max_poool"), async ({ page }) => {
    await item(page, "pool").click();
    assert.equal(await page.locator("button.cure").count(), 0);
    assert.equal(await page.locator(".panel .changes").count(), 1);
  }, ["--read-only"]);
});

const EDITS = {
  "a width": [CELLS.replace("out_channels: 16", "out_channels: 16, bias: false"), ["image", "stem", "first", "pool", "cells", "head"]],
  "a node at the end": [`${CELLS}  last: {op: softmax}\n`, ["image", "stem", "first", "pool", "cells", "head"]],
  "a comment": [`# a word\n${CELLS}`, ["image", "stem", "first", "pool", "cells", "head"]],
  "a node in the middle": [CELLS.replace("  cells:", "  extra: {op: relu}\n  cells:"), ["image", "stem", "first", "pool"]],
  "an error": [CELLS.replace("kernel_size: 2", "kernel_size: 99"), ["image", "stem", "first", "pool", "cells", "head"]],
  "text that cannot be read": [CELLS.replace("  pool: {", "  pool: [{"), ["image", "stem", "first", "pool", "cells", "head"]],
};
for (const [name, [text, kept]] of Object.entries(EDITS))
  test(`on save the picture follows and stays: ${name}`, async () => {
    await withSpec(CELLS, async ({ page, file, errors }) => {
      await page.getByLabel("how far blocks are unfolded").selectOption("0");
      const before = new Map();
      for (const each of kept) before.set(each, await position(page, each));
      const revision = () => page.evaluate(() => window.specgraph.revision());
      const was = await revision();
      await writeFile(file, text);
      await until(async () => (await revision()) > was, "the new state");
      for (const each of kept) {
        const [old, now] = [before.get(each), await position(page, each)];
        assert.ok(now, `${each} is there`);
        assert.ok(Math.abs(old.x - now.x) <= 2 && Math.abs(old.y - now.y) <= 2, `${each} moved from ${JSON.stringify(old)} to ${JSON.stringify(now)}`);
      }
      assert.deepEqual(errors, []);
    });
  });

test("a difference is marked, listed, and shown from both sides", async () => {
  const folder = await project({ "new.yaml": `${CELLS}  last: {op: softmax}\n`.replace("kernel_size: 2}", "kernel_size: 2, stride: 1}"), "old.yaml": CELLS });
  await viewing([path.join(folder, "new.yaml"), "--diff", path.join(folder, "old.yaml")], async ({ page }) => {
    assert.equal(await item(page, "last").getAttribute("data-difference"), "added");
    assert.equal(await item(page, "pool").getAttribute("data-difference"), "changed");
    assert.equal(await item(page, "stem").getAttribute("data-difference"), null);
    assert.match(await page.locator(".change-list").innerText(), /stride/);
    await page.getByText("Show before").click();
    await until(async () => (await item(page, "last").count()) === 0, "the old network");
    assert.equal(await item(page, "pool").getAttribute("data-difference"), "changed");
  });
  await remove(folder);
});

test("two networks stand side by side, folded and selected together", async () => {
  const changed = CELLS.replace("  pool:", "  pooling:").replace("kernel_size: 2}", "kernel_size: 2, stride: 1}");
  const folder = await project({ "new.yaml": changed, "old.yaml": CELLS });
  const pair = [path.join(folder, "new.yaml"), "--diff", path.join(folder, "old.yaml")];
  for (const width of [400, 1600])
    await viewing(pair, async ({ page, errors }) => {
      const [left, right] = [page.locator(".beside .picture"), page.locator(".stage > .picture")];
      assert.equal(await left.isVisible(), false);
      await page.getByRole("button", { name: "Side by side" }).click();
      await until(() => left.locator('[data-box="pool"]').count(), "the network before");
      assert.equal(await right.locator('[data-box="pooling"]').count(), 1);
      const [a, b] = [await left.boundingBox(), await right.boundingBox()];
      assert.ok(a.x + a.width <= b.x + 1 || a.y + a.height <= b.y + 1, "the panes do not overlap");
      await left.locator('[data-box="pool"]').click();
      assert.equal(await item(page, "pooling").getAttribute("aria-selected"), "true");
      await page.getByLabel("how far blocks are unfolded").selectOption("0");
      await until(async () => (await left.locator('[data-box="first.conv"]').count()) === 0, "both folded");
      await page.evaluate(() => window.specgraph.toggle("first", true));
      for (const pane of [left, right]) await until(() => pane.locator('[data-box="first.conv"]').count(), "both unfolded");
      await page.getByRole("button", { name: "Side by side" }).click();
      assert.equal(await left.isVisible(), false);
      assert.deepEqual(errors, []);
    }, { width, height: 900 });
  await remove(folder);
});

test("a run: curves that grow, weights, and feature maps of an image", async () => {
  const folder = await project({ "net.yaml": trainedSpec("tiny", 1) });
  const run = path.join(folder, "run");
  const trained = await command("train", path.join(folder, "net.yaml"), "--out", run, "--device", "cpu", "--compile", "off", "--data-dir", folder);
  assert.equal(trained.code, 0, trained.err);
  await viewing([run], async ({ page, errors }) => {
    await until(async () => (await page.locator("[data-curve]").count()) >= 2, "curves");
    const before = await page.locator('[data-curve="loss"]').getAttribute("aria-label");
    const rows = (await readFile(path.join(run, "metrics.csv"), "utf8")).trim().split("\n");
    await appendFile(path.join(run, "metrics.csv"), rows.at(-1).replace(/^\d+(\.\d+)?,[^,]*/, "2,0.125") + "\n");
    await until(async () => (await page.locator('[data-curve="loss"]').getAttribute("aria-label")) !== before, "the next epoch");
    assert.match(await page.locator('[data-curve="loss"]').getAttribute("aria-label"), /train_loss 0\.125/);
    await item(page, "conv").click();
    await page.getByText("Weights", { exact: true }).click();
    await until(() => page.locator(".histogram").count(), "histograms", 60000);
    assert.match(await page.locator(".values").innerText(), /weight: mean/);
    await page.getByText("Feature maps", { exact: true }).click();
    await until(async () => (await page.locator(".maps img").count()) === 4, "four maps", 60000);
    assert.deepEqual(errors, []);
  });
  await remove(folder);
});

const NASTY = `</script><script>window.hacked=1</script><img src=x onerror="window.hacked=1">"'&<svg onload=window.hacked=1>`;

test("text of a hostile spec runs nothing", async () => {
  const text = CELLS.replace("name: cells", `name: ${JSON.stringify(NASTY)}\ndescription: ${JSON.stringify(NASTY)}\nvars: {v: ${JSON.stringify(NASTY)}}`)
    .replace("op: max_pool", `op: ${JSON.stringify(NASTY)}`)
    .replace("  head:", `  ${JSON.stringify(NASTY)}: {op: relu}\n  head:`);
  await withSpec(text, async ({ page, errors, file }) => {
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    for (const row of await page.locator("[role=treeitem]").all()) await row.click();
    assert.equal(await page.evaluate(() => window.hacked), undefined);
    assert.equal(await page.locator("img, .panel script").count(), 0);
    assert.ok((await page.locator(".panel").innerText()).length > 0);
    assert.deepEqual(errors, []);
    const html = file.replace(".yaml", ".html");
    await command("view", file, "--html", html);
    const alone = await open(`file://${html}`);
    assert.equal(await alone.page.evaluate(() => window.hacked), undefined);
    assert.deepEqual(alone.errors, []);
    await alone.close();
  });
});

test("a page in a file needs no server", async () => {
  const folder = await project({});
  const html = path.join(folder, "net.html");
  await command("view", path.join(ROOT, "specs", "resnet18.yaml"), "--html", html);
  const { page, errors, close } = await open(`file://${html}`);
  await item(page, "layer1.0").or(item(page, "layer1")).first().click();
  assert.ok((await page.locator("[role=treeitem]").count()) > 5);
  assert.deepEqual(errors, []);
  await close();
  await remove(folder);
});

test("another page cannot read through the server", async () => {
  await withSpec(CELLS, async ({ address, page }) => {
    const { origin, search } = new URL(address);
    const stranger = await page.context().newPage();
    await stranger.goto("data:text/html,<title>another origin</title>");
    const answer = await stranger.evaluate(async (url) => fetch(url).then((found) => found.status, () => "refused"), `${origin}/data${search}`);
    assert.equal(answer, "refused");
    assert.equal((await fetch(`${origin}/data`)).status, 403);
  });
});
