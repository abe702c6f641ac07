// Runs: the report, which is the page frozen; pictures of every task; what nodes hold and make; a run that goes on.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, stat } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import axe from "axe-core";
import { PYTHON, ROOT, closeBrowser, command, item, open, project, remove, trainedSpec, until, viewing } from "./harness.mjs";

const TASKS = { classification: "confusion", segmentation: "pictures", regression: "scatter", multi_label: "lines", image: "pictures" };
let home;
before(async () => {
  home = await project({});
  const program = `
import sys, specgraph
from pathlib import Path
from specgraph.training.display import Silent
from tests.tasks.test_tasks import train
root = Path(sys.argv[1])
specgraph.train("specs/lenet.json", data="digits", epochs=2, out=root / "classification", device="cpu", display=Silent())
for name in ("segmentation", "regression", "multi_label", "image"):
    train(name, root / name, report=True)
`;
  execFileSync(PYTHON, ["-c", program, home], { cwd: ROOT, env: { ...process.env, PYTHONPATH: ROOT } });
});
after(async () => {
  await closeBrowser();
  await remove(home);
});

for (const [task, kind] of Object.entries(TASKS))
  test(`the report of ${task} is the page, frozen`, async () => {
    const { page, errors, close } = await open(`file://${path.join(home, task, "report.html")}`);
    assert.ok((await page.locator("[role=treeitem]").count()) > 2);
    assert.ok((await page.locator("[data-curve]").count()) >= 3);
    assert.ok(await page.locator(`.exhibit.of-${kind}`).first().isVisible());
    for (const image of await page.locator(".pictures img").all()) assert.ok(await image.evaluate((each) => each.decode().then(() => each.naturalWidth > 0)));
    const result = JSON.parse(await readFile(path.join(home, task, "result.json"), "utf8"));
    const text = await page.locator(".panel").innerText();
    assert.ok(text.includes(result.test_loss.toFixed(4)), "the loss of the test set");
    assert.ok(text.includes("Recipe".toUpperCase()) && text.includes("epochs:"));
    assert.equal(await page.locator(".buttons button", { hasText: "Judge" }).count(), 0);
    const learnt = await page.evaluate(() => Object.keys(JSON.parse(document.getElementById("data").textContent).run.weights)[0]);
    await page.evaluate((name) => window.specgraph.reveal(name), learnt);
    assert.ok(await page.locator(".histogram svg").first().isVisible());
    assert.deepEqual(errors, []);
    await close();
  });

for (const [width, scheme] of [[400, "dark"], [1600, "light"]])
  test(`a report is seen at ${width} px, ${scheme}, and axe finds nothing serious`, async () => {
    for (const task of ["classification", "segmentation"]) {
      const { page, close } = await open(`file://${path.join(home, task, "report.html")}`, { width, height: 800, colorScheme: scheme, bypassCSP: true });
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "no sideways scrolling");
      await page.evaluate(axe.source);
      const found = await page.evaluate(() => window.axe.run());
      const serious = found.violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      assert.deepEqual(serious.map(({ id, nodes }) => [id, nodes.slice(0, 3).map((node) => node.html.slice(0, 160))]), []);
      await close();
    }
  });

test("a finished run shows the pictures of its report, and those of its images where there is none", async () => {
  const run = path.join(home, "regression");
  await viewing([run], async ({ page, errors }) => {
    assert.equal(await page.locator(".exhibit.of-scatter").count(), 1);
    assert.deepEqual(errors, []);
  });
  await rm(path.join(home, "multi_label", "report.html"));
  await viewing([path.join(home, "multi_label")], async ({ page, errors }) => {
    assert.equal(await page.locator(".exhibit").count(), 0);
    await page.getByRole("button", { name: "Judge the test set" }).click();
    await until(() => page.locator(".exhibit.of-lines").count(), "the curves of the labels", 60000);
    const result = JSON.parse(await readFile(path.join(home, "multi_label", "result.json"), "utf8"));
    assert.match(await page.locator(".judged").innerText(), new RegExp(`test set, 8 images: mAP ${(result.test_map * 100).toFixed(2)}%`));
    assert.deepEqual(errors, []);
  });
});

test("feature maps at any node, of any image of the test set and of a chosen one", async () => {
  await viewing([path.join(home, "segmentation")], async ({ page, errors }) => {
    const maps = () => page.locator(".maps img").count();
    for (const [node, count] of [["down1.conv1", 16], ["up1.concat", 32], ["scores", 5]]) {
      await page.evaluate((name) => window.specgraph.reveal(name), node);
      await page.getByText("Feature maps", { exact: true }).click();
      await until(async () => (await maps()) === Math.min(count, 32), `${count} maps of ${node}`, 60000);
      assert.match(await page.locator(".values").innerText(), /values: mean/);
    }
    const seen = () => page.locator(".given img").first().getAttribute("src");
    const first = await seen();
    await page.getByLabel("number of the image in the test set").fill("3");
    await page.getByLabel("number of the image in the test set").press("Enter");
    await until(async () => (await page.locator(".given img").count()) && (await seen()) !== first, "another image", 20000);
    await page.getByLabel("an image for the feature maps").setInputFiles(path.join(ROOT, "docs", "images", "view-googlenet.png"));
    await until(async () => (await page.locator(".given img").count()) && (await maps()) === 5, "the maps of a file", 20000);
    await page.getByLabel("number of the image in the test set").fill("99");
    await page.getByLabel("number of the image in the test set").press("Enter");
    await until(async () => (await page.locator(".values").innerText()).includes("images 0 to 7"), "a refusal");
    assert.ok(errors.every((error) => error.includes("409")), errors.join("; "));
  });
});

const LONG = trainedSpec("long", 2000);

test("a run in progress is watched from another process", async () => {
  const folder = await project({ "net.yaml": LONG });
  const run = path.join(folder, "run");
  const training = spawn(PYTHON, ["-m", "specgraph", "train", path.join(folder, "net.yaml"), "--out", run, "--device", "cpu", "--compile", "off", "--data-dir", folder], { cwd: ROOT, stdio: "ignore" });
  try {
    await until(() => existsSync(path.join(run, "best.safetensors")), "the first epoch", 90000);
    await viewing([run], async ({ page, errors }) => {
      const epoch = async () => Number(/epoch (\d+), going on/.exec(await page.locator(".state").innerText())?.[1] ?? -1);
      const [place, first] = [await page.evaluate(() => window.specgraph.position("conv")), await epoch()];
      assert.ok(first >= 1);
      await until(async () => (await epoch()) >= first + 2, "two more epochs", 60000);
      const now = await page.evaluate(() => window.specgraph.position("conv"));
      assert.ok(Math.abs(place.x - now.x) <= 2 && Math.abs(place.y - now.y) <= 2, "the picture stays");
      await page.getByRole("button", { name: "Judge the validation set" }).click();
      await until(() => page.locator(".exhibit.of-confusion").count(), "the confusion so far", 60000);
      assert.match(await page.locator(".judged").innerText(), /validation set, 144 images: accuracy .*after epoch/);
      assert.match((await page.locator(".exhibit.of-confusion h3").textContent()) ?? "", /on the validation set/);
      await item(page, "conv").click();
      await page.getByText("Weights", { exact: true }).click();
      await until(() => page.locator(".histogram").count(), "histograms", 60000);
      const [before, when] = [await stat(path.join(run, "metrics.csv")), await page.evaluate(() => window.specgraph.revision())];
      await until(async () => (await page.evaluate(() => window.specgraph.revision())) > when, "another epoch", 60000);
      assert.ok((await stat(path.join(run, "metrics.csv"))).size >= before.size);
      assert.ok(await page.locator(".histogram").count(), "what was asked for stays while the run goes on");
      assert.deepEqual(errors, []);
    });
  } finally {
    const ended = new Promise((resolve) => training.once("exit", resolve));
    training.kill("SIGINT");
    await ended;
    await remove(folder);
  }
});

test("a run whose files are damaged is refused in words", async () => {
  const folder = await project({ "run/spec.yaml": LONG, "run/metrics.csv": "epoch,train_loss\n1,abc\n2", "run/result.json": "{" });
  await viewing([path.join(folder, "run")], async ({ page, errors }) => {
    assert.ok((await page.locator("[role=treeitem]").count()) >= 4);
    assert.equal(await page.locator('[data-curve="loss"]').count(), 1);
    assert.deepEqual(errors, []);
  });
  await remove(folder);
  const { code } = await command("view", path.join(folder, "run"), "--no-open");
  assert.equal(code, 2);
});
