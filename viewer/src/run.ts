/** A run beside its network: curves while it trains, results, and what a node's weights and maps look like. */

import uPlot from "uplot";
import { button, h } from "./dom";
import { cut } from "./format";
import { drawHistogram } from "./panel";
import type { RunData } from "./document";
import type { Server } from "./server";
import type { Theme } from "./theme";

interface Histogram {
  name: string;
  counts: number[];
  low: number;
  high: number;
  mean: number;
  std: number;
  zeros: number;
}

interface Maps {
  shape: number[];
  images: string[]; // data addresses, a channel each
  histogram: Histogram;
}

const SKIPPED = new Set(["epoch", "seconds", "images_per_second"]);

/** Columns that belong into one plot: `train_loss` and `val_loss`, for example. */
export function groupColumns(names: string[]): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const name of names) {
    if (SKIPPED.has(name)) continue;
    const title = name.replace(/^(train|val|validation|test)_/, "");
    groups.set(title, [...(groups.get(title) ?? []), name]);
  }
  return [...groups];
}

export class RunView {
  readonly element = h("section", { class: "run", "aria-label": "the run" });
  private plots: uPlot[] = [];
  private image = "";

  constructor(private readonly server: Server) {}

  show(run: RunData, theme: Theme): HTMLElement {
    this.plots.forEach((plot) => plot.destroy());
    this.plots = [];
    const epochs = run.curves.epoch ?? [];
    const state = run.finished ? "finished" : epochs.length ? `epoch ${epochs[epochs.length - 1]}, going on` : "before its first epoch";
    this.element.replaceChildren(h("h3", {}, "Run"), h("p", { class: "state" }, `${run.folder}: ${state}`));
    const colours = [theme.accent, theme.heat[1], theme.added];
    for (const [title, columns] of groupColumns(Object.keys(run.curves))) {
      const last = columns.map((name) => `${name} ${run.curves[name]?.at(-1)?.toPrecision(4) ?? "none"}`).join(", ");
      const box = h("figure", { class: "curve", "data-curve": title, "aria-label": `${title} by epoch: ${last}` }, h("figcaption", {}, last));
      this.element.append(box);
      const axis = { stroke: theme.faint, grid: { stroke: theme.frameLine, width: 0.5 }, ticks: { show: false }, size: 42 };
      const options: uPlot.Options = {
        width: 300, height: 150, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false } },
        axes: [{ ...axis, size: 24 }, axis],
        series: [{}, ...columns.map((label, index) => ({ label, stroke: colours[index % 3], width: 2, points: { show: epochs.length < 20 } }))],
      }; // prettier-ignore
      this.plots.push(new uPlot(options, [epochs, ...columns.map((name) => run.curves[name] ?? [])] as uPlot.AlignedData, box));
    }
    const result = Object.entries(run.result).filter(([, value]) => typeof value === "number" || typeof value === "string");
    if (result.length)
      this.element.append(h("h3", {}, "Result"), h("dl", {}, ...result.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value))])));
    const told = Object.entries(run.environment);
    if (told.length) this.element.append(h("h3", {}, "Started with"), h("dl", {}, ...told.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, cut(value, 200))])));
    return this.element;
  }

  /** Buttons of a node that show what the trained network holds and makes there. */
  ofNode(path: string, theme: Theme): HTMLElement {
    const place = h("div", { class: "values" });
    const say = (text: string): void => place.replaceChildren(h("p", { class: "note", role: "status" }, text));
    const weights = async (): Promise<void> => {
      say("reading the weights …");
      try {
        const { histograms } = await this.server.weights<{ histograms: Histogram[] }>(path);
        if (!histograms.length) return say("this node has no weights");
        place.replaceChildren(...histograms.map((each) => this.histogram(each, theme)));
      } catch (error) {
        say((error as Error).message);
      }
    };
    const maps = async (): Promise<void> => {
      say("running the network …");
      try {
        const found = await this.server.post<Maps>("/features", { node: path, image: this.image });
        const images = found.images.map((address, index) => h("img", { src: address, alt: `channel ${index}`, title: `channel ${index}` }));
        place.replaceChildren(h("p", {}, `${found.shape.join("×")}, ${found.images.length} of them shown`), h("div", { class: "maps" }, ...images), this.histogram(found.histogram, theme));
      } catch (error) {
        say((error as Error).message);
      }
    };
    const choose = h("input", { type: "file", accept: "image/*", "aria-label": "an image for the feature maps" });
    choose.addEventListener("change", () => {
      const file = choose.files?.[0];
      if (!file) return;
      const reader = new FileReader();
      reader.onload = () => {
        this.image = String(reader.result);
        void maps();
      };
      reader.readAsDataURL(file);
    });
    return h(
      "section", { "aria-label": "what the run holds here" },
      h("h3", {}, "In the run"),
      h("p", { class: "buttons" }, button("Weights", "histograms of the weights", () => void weights()), button("Feature maps", "what the node makes of an image", () => void maps())),
      h("label", {}, "of ", choose), place,
    ); // prettier-ignore
  }

  private histogram(each: Histogram, theme: Theme): HTMLElement {
    const text = `${each.name}: mean ${each.mean.toPrecision(3)}, spread ${each.std.toPrecision(3)}, ${(each.zeros * 100).toPrecision(3)} % zero`;
    return h("figure", { class: "histogram" }, h("figcaption", {}, text), drawHistogram(each.counts, each.low, each.high, theme, each.name));
  }
}
