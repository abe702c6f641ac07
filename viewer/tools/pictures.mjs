// Draws the pictures of the page for the README and docs/view.md, from the specs of the repository.
import { execFileSync } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { PYTHON, ROOT, closeBrowser, item, open, project, remove, serve, until } from "../tests/harness.mjs";

const target = (name) => path.join(ROOT, "docs", "images", `view-${name}.png`);
const specs = (name) => path.join(ROOT, "specs", name);

async function picture(name, args, prepare, options = {}) {
  const server = await serve(...args);
  const { page, close } = await open(server.address, { width: 1280, height: 800, colorScheme: "light", ...options });
  await prepare(page);
  await page.waitForTimeout(300);
  await page.screenshot({ path: target(name) });
  await close();
  await server.stop();
  console.log(path.relative(ROOT, target(name)));
}

await picture("googlenet", [specs("googlenet.yaml")], async (page) => {
  await page.evaluate(() => window.specgraph.toggle("inception3a", true));
  await page.evaluate(() => window.specgraph.reveal("inception3a.branch2.1.conv"));
});

const folder = await project({});
const faulty = path.join(folder, "resnet18.yaml");
const text = await readFile(specs("resnet18.yaml"), "utf8");
const common = await readFile(specs("residual.yaml"), "utf8");
await writeFile(path.join(folder, "residual.yaml"), common);
await writeFile(faulty, text.replace(/  flatten: .*\n/, ""));
await picture("error", [faulty], async (page) => {
  await until(() => page.locator("[data-severity=error]").count(), "the error");
  await page.evaluate(() => window.specgraph.reveal("fc"));
});
await remove(folder);

await picture("heat", [specs("resnet50.yaml")], async (page) => {
  await page.getByLabel("what colours mean").selectOption("parameters");
  await item(page, "layer4.0").dblclick();
  await until(() => item(page, "layer4.0.conv2").count(), "the block");
  await item(page, "layer4.0.conv2").click();
  await page.evaluate(() => window.specgraph.reveal("layer4.0.conv2"));
}, { colorScheme: "dark" });
// networks that are hard to look at, as they open
for (const [name, args] of Object.entries({
  densenet201: [specs("densenet121.yaml"), "--set", "depth=201"],
  "efficientnet-b7": [specs("zoo/efficientnet.yaml"), "--set", "variant=b7"],
  unet: [specs("papers/unet.yaml")],
  vit: [specs("zoo/vit.yaml")],
}))
  await picture(name, args, async (page) => {
    await page.locator("[role=treeitem]").first().waitFor();
  });

const unnamed = await project({});
execFileSync(PYTHON, [path.join(ROOT, "viewer", "tools", "unnamed_onnx.py"), path.join(unnamed, "unnamed.onnx")]);
await picture("unnamed-onnx", [path.join(unnamed, "unnamed.onnx")], async (page) => {
  await page.locator("[role=treeitem]").first().waitFor();
});
await remove(unnamed);

await closeBrowser();
