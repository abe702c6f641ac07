/** The curves of a run: a plot for each figure, of training and validation, with the best epoch and the test set. */

import uPlot from "uplot";
import { h } from "./dom";
import type { RunData } from "./document";
import type { Theme } from "./theme";

const SKIPPED = new Set(["epoch", "seconds", "images_per_second"]);
const STEEP = 50; // of the largest to the least loss, beyond which its axis is logarithmic

export interface Plots {
  destroy: () => void;
}

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

export function drawCurves(place: HTMLElement, run: RunData, theme: Theme): Plots {
  const epochs = run.curves.epoch ?? [];
  const colours = [theme.accent, theme.heat[1], theme.added];
  const plots: uPlot[] = [];
  const best = typeof run.result.best_epoch === "number" ? run.result.best_epoch : null;
  for (const [title, columns] of groupColumns(Object.keys(run.curves))) {
    const test = run.result[`test_${title}`];
    const last = columns.map((name) => `${name} ${run.curves[name]?.at(-1)?.toPrecision(4) ?? "none"}`);
    if (typeof test === "number") last.push(`test ${Number(test.toPrecision(4))}`);
    const key = columns.map((name, index) => h("span", {}, h("i", { style: `background: ${colours[index % 3]}` }), name));
    const box = h("figure", { class: "curve", "data-curve": title, "aria-label": `${title} by epoch: ${last.join(", ")}` }, h("figcaption", {}, last.join(", ")), h("div", { class: "legend" }, ...key));
    place.append(box);
    const values = columns.flatMap((name) => run.curves[name] ?? []).filter((value) => value !== null);
    const isSteep = title === "loss" && values.length > 0 && Math.min(...values) > 0 && Math.max(...values) / Math.min(...values) > STEEP;
    const axis = { stroke: theme.faint, grid: { stroke: theme.frameLine, width: 0.5 }, ticks: { show: false }, size: 46 };
    const options: uPlot.Options = {
      width: 300, height: 170, legend: { show: false }, cursor: { show: false },
      scales: { x: { time: false, range: (_, low, high) => (high > low ? [low, high] : [low - 1, high + 1]) }, y: isSteep ? { distr: 3 } : {} },
      axes: [{ ...axis, size: 24, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }, { ...axis, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(Number(tick.toPrecision(3))))) }],
      series: [{}, ...columns.map((label, index) => ({ label, stroke: colours[index % 3], width: 2, points: { show: epochs.length < 20 } }))],
      hooks: { draw: [(plot) => mark(plot, best, typeof test === "number" && columns.length > 1 ? test : null, theme)] },
    }; // prettier-ignore
    plots.push(new uPlot(options, [epochs, ...columns.map((name) => run.curves[name] ?? [])] as uPlot.AlignedData, box));
  }
  return { destroy: () => plots.forEach((plot) => plot.destroy()) };
}

/** The best epoch as a line, what the test set came to as a point on it. */
function mark(plot: uPlot, best: number | null, test: number | null, theme: Theme): void {
  if (best === null) return;
  const { ctx, bbox } = plot;
  const x = plot.valToPos(best, "x", true);
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme.faint;
  ctx.setLineDash([3, 3]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  if (test !== null) {
    const y = Math.min(Math.max(plot.valToPos(test, "y", true), bbox.top), bbox.top + bbox.height);
    ctx.fillStyle = theme.added;
    ctx.beginPath();
    ctx.arc(x, y, 5, 0, 2 * Math.PI);
    ctx.fill();
  }
  ctx.restore();
}
