// Builds the page into specgraph/backends/view/static. `--check` says whether the committed bundle is what the source makes.
import { build } from "esbuild";
import { readFile, writeFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import path from "node:path";

const home = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const target = path.join(home, "..", "specgraph", "backends", "view", "static");
const shared = { bundle: true, minify: true, write: false, target: "es2022", charset: "utf8", legalComments: "none", logLevel: "warning" };
const source = (name) => path.join(home, "src", name);
const text = (result) => result.outputFiles[0].text;

const worker = text(await build({ ...shared, entryPoints: [source("worker.ts")], format: "iife" }));
const define = { WORKER_SOURCE: JSON.stringify(worker) };
const script = text(await build({ ...shared, entryPoints: [source("main.ts")], format: "iife", define }));
const style = text(await build({ ...shared, entryPoints: [source("viewer.css")] }));

const files = {
  // nothing in the script may end the element that holds it
  "viewer.js": script.replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--"),
  "viewer.css": style,
  "licences.txt": await licences(),
};

async function licences() {
  const parts = [];
  for (const name of ["@dagrejs/dagre", "@dagrejs/graphlib", "d3-zoom", "d3-selection", "d3-drag", "d3-dispatch", "d3-ease", "d3-timer", "d3-transition", "d3-interpolate", "d3-color", "uplot"]) {
    const folder = path.join(home, "node_modules", name);
    const { version } = JSON.parse(await readFile(path.join(folder, "package.json"), "utf8"));
    const licence = await readFile(path.join(folder, "LICENSE"), "utf8").catch(() => "MIT");
    parts.push(`${name} ${version}\n\n${licence.trim()}\n`);
  }
  return parts.join("\n----\n\n");
}

await mkdir(target, { recursive: true });
let differing = 0;
for (const [name, content] of Object.entries(files)) {
  const place = path.join(target, name);
  const before = await readFile(place, "utf8").catch(() => "");
  if (before === content) continue;
  differing++;
  if (!process.argv.includes("--check")) await writeFile(place, content);
  console.log(`${name}: ${process.argv.includes("--check") ? "is not what the source makes: run npm run build in viewer/" : "written"}`);
}
console.log(`${Object.entries(files).map(([name, content]) => `${name} ${content.length}`).join(", ")}`);
if (process.argv.includes("--check") && differing) process.exit(1);
