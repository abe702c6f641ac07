// Folding, searching, selecting, by mouse and by keyboard alone; both themes, narrow and wide.
import assert from "node:assert/strict";
import path from "node:path";
import { after, test } from "node:test";
import axe from "axe-core";
import { CELLS, ROOT, closeBrowser, item, position, project, remove, until, viewing } from "./harness.mjs";

after(closeBrowser);
const RESNET = path.join(ROOT, "specs", "resnet50.yaml");

test("it opens folded, and folds and unfolds", async () => {
  await viewing([RESNET], async ({ page, errors }) => {
    const rows = await page.locator("[role=treeitem]").count();
    assert.ok(rows > 5 && rows < 80, `${rows} rows`);
    assert.equal(await item(page, "layer3").getAttribute("aria-expanded"), "true");
    await item(page, "layer3").locator(".toggle").click();
    assert.equal(await item(page, "layer3").getAttribute("aria-expanded"), "false");
    assert.equal(await item(page, "layer3.0").count(), 0);
    await item(page, "layer1.0").dblclick();
    await until(() => item(page, "layer1.0.conv2").count(), "the inside of layer1.0");
    const [outer, inner] = [await position(page, "layer1.0"), await position(page, "layer1.0.conv2")];
    assert.ok(inner.x >= outer.x && inner.y >= outer.y && inner.y + inner.height <= outer.y + outer.height);
    assert.deepEqual(errors, []);
  });
});

test("what is unfolded stays where it was", async () => {
  await viewing([RESNET], async ({ page }) => {
    const before = await position(page, "layer2.0");
    await item(page, "layer2.0").locator(".toggle").click();
    await until(() => item(page, "layer2.0.conv1").count(), "the inside");
    const after = await position(page, "layer2.0");
    assert.ok(Math.abs(before.y - after.y) <= 2);
    assert.ok(Math.abs(before.x + before.width / 2 - after.x - after.width / 2) <= 2);
  });
});

test("repeats are drawn once, and shown all on demand", async () => {
  const folder = await project({ "net.yaml": CELLS });
  await viewing([path.join(folder, "net.yaml")], async ({ page }) => {
    assert.match(await item(page, "cells").innerText(), /×6/);
    assert.equal(await item(page, "cells.3").count(), 0);
    await item(page, "cells").click();
    await page.getByRole("button", { name: "Show all 6" }).or(page.getByText("Show all 6")).first().click();
    await until(() => item(page, "cells.3").count(), "the fourth repetition");
    assert.equal(await page.locator('[role=treeitem][data-path^="cells."]').count() >= 6, true);
  });
  await remove(folder);
});

test("all of a kind, and to a depth", async () => {
  await viewing([RESNET], async ({ page }) => {
    await item(page, "layer1.0").click();
    await page.getByText("Unfold all of this kind").click();
    await until(() => item(page, "layer4.0.conv3").count(), "every bottleneck");
    await page.getByLabel("how far blocks are unfolded").selectOption("0");
    await until(async () => (await item(page, "layer1.0").count()) === 0, "all folded");
    assert.equal(await item(page, "layer1").getAttribute("aria-expanded"), "false");
  });
});

for (const [query, count] of [["14x14", null], ["conv stride=2", null], ["layer4", null], ["max_pool", 1], ["no such thing", 0]]) {
  test(`search: ${query}`, async () => {
    await viewing([RESNET], async ({ page }) => {
      await page.getByRole("searchbox").fill(query);
      const said = await page.locator(".found").innerText();
      if (count === null) assert.match(said, /^\d+ nodes$/);
      else assert.equal(said, count ? `${count} node` : "none");
      if (count === 0) return;
      await page.getByRole("searchbox").press("Enter");
      await until(() => page.locator("[role=treeitem][aria-selected=true]").count(), "the first match");
      const selected = await page.locator("[role=treeitem][aria-selected=true]").getAttribute("data-path");
      const details = await page.locator(".panel").innerText();
      assert.ok(details.startsWith(`×\n${selected}`) || details.includes(selected), details.slice(0, 80));
    });
  });
}

test("the panel says what a node is and costs, and where it stands", async () => {
  await viewing([RESNET], async ({ page }) => {
    await page.evaluate(() => window.specgraph.reveal("conv1"));
    const text = await page.locator(".panel").innerText();
    for (const wanted of ["112×112×64", "kernel_size", "9,408", "118M", "7×7", "resnet50.yaml:", "(224 + 2*3 - 7) / 2"]) assert.ok(text.includes(wanted), `${wanted} in ${text}`);
    assert.equal(await page.locator(".panel svg.field").count(), 1);
    assert.match(await page.locator(".panel a").getAttribute("href"), /^vscode:\/\/file\/.*resnet50\.yaml:\d+:\d+$/);
  });
});

test("the way through a node is lit", async () => {
  await viewing([path.join(ROOT, "specs", "googlenet.yaml")], async ({ page }) => {
    await page.evaluate(() => window.specgraph.reveal("inception3a.branch2"));
    await page.keyboard.press("w");
    const opacity = (name) => page.locator(`.picture [data-box="${name}"]`).getAttribute("opacity");
    assert.equal(await opacity("inception3a.branch2"), null);
    assert.equal(await opacity("inception3a.concat"), null);
    assert.equal(await opacity("inception3a.branch1"), "0.28");
  });
});

test("the keyboard alone reaches everything", async () => {
  await viewing([RESNET], async ({ page }) => {
    await page.keyboard.press("/");
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute("role")), "searchbox");
    await page.keyboard.type("fc");
    await page.keyboard.press("Enter");
    await until(() => page.locator("[role=treeitem][aria-selected=true]").count(), "a selection");
    await page.keyboard.press("Escape");
    for (let step = 0; step < 30; step++) {
      if ((await page.evaluate(() => document.activeElement.getAttribute("role"))) === "treeitem") break;
      await page.keyboard.press("Tab");
    }
    const focused = () => page.evaluate(() => document.activeElement.dataset.path);
    await page.keyboard.press("Home");
    assert.equal(await focused(), "image");
    for (let step = 0; step < 5; step++) await page.keyboard.press("ArrowDown");
    assert.equal(await focused(), "layer1");
    await page.keyboard.press("ArrowLeft");
    await until(async () => (await item(page, "layer1").getAttribute("aria-expanded")) === "false", "layer1 folded");
    assert.equal(await focused(), "layer1");
    await page.keyboard.press("ArrowRight");
    await until(() => item(page, "layer1.0").count(), "layer1 unfolded");
    await page.keyboard.press("ArrowRight");
    assert.equal(await focused(), "layer1.0");
    await page.keyboard.press("Enter");
    assert.equal(await item(page, "layer1.0").getAttribute("aria-selected"), "true");
    await page.keyboard.press("ArrowLeft");
    assert.equal(await focused(), "layer1");
  });
});

test("heat colours what costs most", async () => {
  await viewing([RESNET], async ({ page }) => {
    const fill = (name) => page.locator(`.picture [data-box="${name}"] rect`).last().getAttribute("fill");
    await page.getByLabel("what colours mean").selectOption("parameters");
    assert.equal(await fill("maxpool"), "#fff6e0");
    assert.notEqual(await fill("conv1"), await fill("maxpool"));
  }, { colorScheme: "light" });
});

for (const scheme of ["light", "dark"])
  for (const width of [400, 1600])
    test(`axe finds nothing serious: ${scheme}, ${width} px`, async () => {
      await viewing([path.join(ROOT, "specs", "googlenet.yaml")], async ({ page, errors }) => {
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
        await item(page, "conv1").click();
        await page.evaluate(axe.source);
        const found = await page.evaluate(() => window.axe.run());
        const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
        assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]), []);
        assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), scheme);
        assert.deepEqual(errors.filter((error) => !error.includes("Content Security")), []);
      }, { width, height: 800, colorScheme: scheme, bypassCSP: true });
    });

test("what is seen is exported", async () => {
  await viewing([RESNET], async ({ page }) => {
    for (const [format, start] of [["svg", "<svg"], ["png", "\x89PNG"], ["pdf", "%PDF-1.4"]]) {
      const waiting = page.waitForEvent("download");
      await page.getByLabel("export what is seen").selectOption(format);
      const download = await waiting;
      assert.equal(download.suggestedFilename(), `resnet50.${format}`);
      const chunks = [];
      for await (const chunk of await download.createReadStream()) chunks.push(chunk);
      const content = Buffer.concat(chunks);
      assert.ok(content.subarray(0, start.length).toString("latin1") === start, format);
      assert.ok(content.length > 5000, `${format}: ${content.length} bytes`);
    }
  });
});
