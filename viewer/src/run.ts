/** A run beside its network: what it came to, curves while it trains, what its task shows of the images. */

import { drawCurves, type Plots } from "./curves";
import { button, h } from "./dom";
import type { Judged, RunData, RunReport, Table } from "./document";
import { drawExhibit } from "./exhibits";
import { cut } from "./format";
import type { Server } from "./server";
import type { Theme } from "./theme";

export class RunView {
  readonly element = h("section", { class: "run", "aria-label": "the run" });
  private readonly curves = h("div", { class: "curves" });
  private readonly judged = h("div", { class: "judged" });
  private plots: Plots = { destroy: () => undefined };
  private found: Judged | null = null; // what was judged on demand
  private shown = ""; // what `judged` shows

  constructor(private readonly server: Server) {}

  /** Draw the run as it is now; images that are shown stay while only the curves grow. */
  show(run: RunData, theme: Theme): HTMLElement {
    const { report } = run;
    const epochs = run.curves.epoch ?? [];
    const state = run.finished ? "finished" : epochs.length ? `epoch ${epochs[epochs.length - 1]}, going on` : "before its first epoch";
    this.plots.destroy();
    this.curves.replaceChildren();
    this.plots = drawCurves(this.curves, run, theme);
    this.showJudged(run, theme);
    this.element.replaceChildren(
      h("h3", {}, "Run"),
      h("p", { class: "state" }, `${run.folder}: ${state}`),
      ...(report ? drawHead(report) : []),
      this.curves,
      ...(report ? [] : drawResult(run)),
      this.judged,
      ...(report ? [...report.tables, report.epochs].map(drawTable) : []),
      ...drawStart(run),
      ...(report ? [h("h3", {}, "Recipe"), h("pre", { tabindex: 0, "aria-label": "recipe" }, report.recipe)] : []),
    );
    return this.element;
  }

  private showJudged(run: RunData, theme: Theme): void {
    const judged = run.report ?? this.found;
    const epochs = run.curves.epoch?.length ?? 0;
    const canAsk = !run.report && this.server.isThere && run.has_weights;
    const key = JSON.stringify([judged?.about ?? "", judged?.split ?? "", canAsk, run.finished, theme.background]);
    if (key === this.shown) return;
    this.shown = key;
    const set = run.finished ? "test" : "validation";
    const ask = canAsk ? button(`Judge the ${set} set`, `show what the weights of now make of the ${set} set`, () => void this.ask(run, theme, epochs)) : null;
    this.judged.replaceChildren(...(ask ? [h("p", { class: "buttons" }, ask)] : []), ...(judged ? this.exhibitsOf(judged, run, theme) : []));
  }

  private exhibitsOf(judged: Judged, run: RunData, theme: Theme): Node[] {
    const about = run.report ? [] : [h("p", { role: "status" }, judged.about)];
    return [...about, ...judged.exhibits.map((exhibit) => drawExhibit(exhibit, theme))];
  }

  private async ask(run: RunData, theme: Theme, epochs: number): Promise<void> {
    const status = h("p", { class: "note", role: "status" }, "judging the images …");
    this.judged.prepend(status);
    try {
      const found = await this.server.judged<Judged>();
      this.found = { ...found, about: epochs ? `${found.about} (after epoch ${epochs})` : found.about };
      this.showJudged(run, theme);
    } catch (error) {
      status.textContent = (error as Error).message;
    }
  }
}

function drawHead(report: RunReport): Node[] {
  const tiles = report.tiles.map(([value, label]) => h("div", { class: "tile" }, h("b", {}, value), h("span", {}, label)));
  return [
    h("p", {}, report.about),
    ...(report.remarks.length ? [h("div", { class: "remarks" }, ...report.remarks.map((remark) => h("p", {}, ...marked(remark))))] : []),
    h("div", { class: "tiles" }, ...tiles),
    ...(report.others ? [h("p", {}, report.others)] : []),
  ];
}

/** A sentence whose names in backticks are set as code. */
function marked(text: string): (Node | string)[] {
  const parts = text.split("`");
  return parts.length % 2 ? parts.map((part, place) => (place % 2 ? h("code", {}, part) : part)) : [text];
}

function drawResult({ result }: RunData): Node[] {
  const plain = Object.entries(result).filter(([, value]) => typeof value === "number" || typeof value === "string");
  if (!plain.length) return [];
  const text = (value: unknown): string => (typeof value === "number" ? String(Number(value.toPrecision(5))) : String(value));
  return [h("h3", {}, "Result"), h("dl", {}, ...plain.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, text(value))]))];
}

function drawStart({ environment }: RunData): Node[] {
  const told = Object.entries(environment);
  return told.length ? [h("h3", {}, "Started with"), h("dl", {}, ...told.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, cut(value, 200))]))] : [];
}

function drawTable({ title, columns, rows, best }: Table): HTMLElement {
  const head = h("tr", {}, ...columns.map((column) => (column ? h("th", { scope: "col" }, column) : h("td", {}))));
  const body = rows.map((row, place) => h("tr", { class: place === best ? "best" : "" }, ...row.map((cell) => h("td", {}, cell))));
  const scrolled = h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": title }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...body)));
  return h("section", { "aria-label": title }, h("h3", {}, title), scrolled);
}
