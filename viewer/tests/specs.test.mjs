// Every spec of the repository and every mistake of docs/mistakes is shown, without a word from the console.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { after, test } from "node:test";
import { ROOT, closeBrowser, command, open, project, remove } from "./harness.mjs";

after(closeBrowser);
const folders = ["specs", "specs/papers", "specs/zoo", "docs/mistakes"];
for (const folder of folders)
  for (const name of (await readdir(path.join(ROOT, folder))).sort().filter((each) => /\.(yaml|json)$/.test(each)))
    test(`${folder}/${name}`, async (context) => {
      const home = await project({});
      const html = path.join(home, "page.html");
      const written = await command("view", path.join(ROOT, folder, name), "--html", html);
      if (written.code === 2 && written.err.includes("is a library")) return context.skip("a library has no nodes");
      assert.ok(written.code < 2, written.err);
      const { page, errors, close } = await open(`file://${html}`);
      const rows = await page.locator("[role=treeitem]").count();
      const boxes = await page.locator(".picture [data-box]").count();
      assert.ok(rows > 0 && boxes > 0, `${rows} rows, ${boxes} boxes`);
      if (written.code === 1) assert.ok((await page.locator(".problem.error").count()) > 0, "its errors are shown");
      await page.evaluate(async () => {
        for (const row of [...document.querySelectorAll("[role=treeitem][aria-expanded=false]")].slice(0, 6)) await window.specgraph.toggle(row.dataset.path, true);
      });
      const overlapping = await page.evaluate(() => {
        // boxes that stand on one another: places of leaves as they are drawn
        const leaves = [...document.querySelectorAll("[role=treeitem]:not([aria-expanded=true])")].map((row) => row.dataset.path);
        const places = leaves.map((name) => [name, window.specgraph.position(name)]);
        const found = [];
        for (let a = 0; a < places.length; a++)
          for (let b = a + 1; b < places.length; b++) {
            const [[first, p], [second, q]] = [places[a], places[b]];
            const apart = p.x + p.width <= q.x + 1 || q.x + q.width <= p.x + 1 || p.y + p.height <= q.y + 1 || q.y + q.height <= p.y + 1;
            if (!apart) found.push([first, second]);
          }
        return found.slice(0, 3);
      });
      assert.deepEqual(overlapping, []);
      assert.deepEqual(errors, []);
      await close();
      await remove(home);
    });
