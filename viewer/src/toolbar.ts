/** The row of controls above the picture. */

import { button, h } from "./dom";

export interface Controls {
  search: (query: string) => void;
  nextFound: (step: number) => void;
  depth: (depth: number | "fit") => void;
  heat: (metric: string) => void;
  zoom: (factor: number) => void;
  fit: () => void;
  theme: () => void;
  way: () => void;
  export: (format: "svg" | "png" | "pdf") => void;
  side: () => void;
  both: () => void;
}

const HEATS: [string, string][] = [
  ["", "colours by kind"],
  ["parameters", "heat: parameters"],
  ["multiply_adds", "heat: multiply-adds"],
  ["activation_bytes", "heat: activations"],
];

export class Toolbar {
  readonly element: HTMLElement;
  readonly searchBox: HTMLInputElement;
  private readonly found: HTMLElement;
  private readonly depths: HTMLSelectElement;
  private readonly heats: HTMLSelectElement;
  private readonly sideButton: HTMLButtonElement;
  private readonly bothButton: HTMLButtonElement;
  private readonly wayButton: HTMLButtonElement;

  constructor(title: string, controls: Controls, canMeasure: boolean) {
    this.searchBox = h("input", {
      type: "search", role: "searchbox", placeholder: "Search: name, op, 14x14, stride=2", "aria-label": "search nodes by name, op, shape or argument",
      input: () => controls.search(this.searchBox.value),
      keydown: (event) => {
        const { key, shiftKey } = event as KeyboardEvent;
        if (key === "Enter") controls.nextFound(shiftKey ? -1 : 1);
        if (key === "Escape") {
          this.searchBox.value = "";
          controls.search("");
        }
      },
    }); // prettier-ignore
    this.found = h("span", { class: "found", role: "status" });
    this.depths = h("select", { "aria-label": "how far blocks are unfolded", change: () => controls.depth(this.depths.value === "fit" ? "fit" : Number(this.depths.value)) });
    const heats = canMeasure ? [...HEATS, ["time", "heat: measured time"] as [string, string]] : HEATS;
    this.heats = h("select", { "aria-label": "what colours mean", change: () => controls.heat(this.heats.value) }, ...heats.map(([name, label]) => h("option", { value: name }, label)));
    this.bothButton = button("Side by side", "show both networks", controls.both, { hidden: true, "aria-pressed": "false" });
    this.sideButton = button("Before", "show the other network", controls.side, { hidden: true });
    this.wayButton = button("Way", "highlight the way from the inputs through the selection to the outputs (w)", controls.way, { "aria-pressed": "false" });
    const formats = h("select", {
      "aria-label": "export what is seen", change: () => {
        const format = formats.value;
        formats.value = "";
        if (format === "svg" || format === "png" || format === "pdf") controls.export(format);
      },
    }, h("option", { value: "" }, "Export"), ...["svg", "png", "pdf"].map((format) => h("option", { value: format }, format.toUpperCase()))); // prettier-ignore
    this.element = h(
      "header", { class: "toolbar" }, h("h1", {}, title), h("div", { class: "searching", role: "search" }, this.searchBox, this.found),
      this.depths, this.heats, this.wayButton, this.sideButton, this.bothButton,
      h("span", { class: "zooming" }, button("−", "zoom out (-)", () => controls.zoom(1 / 1.4)), button("+", "zoom in (+)", () => controls.zoom(1.4)), button("Fit", "show everything (f)", controls.fit)),
      formats, button("◐", "light or dark", controls.theme),
    ); // prettier-ignore
  }

  setDepths(most: number): void {
    const chosen = this.depths.value;
    const deepest = Math.min(most, 12);
    const options: [string, string][] = [["fit", "what fits"], ...Array.from({ length: deepest + 1 }, (_, depth): [string, string] => [String(depth), depth ? `depth ${depth}` : "all folded"])];
    this.depths.replaceChildren(...options.map(([value, label]) => h("option", { value }, label)));
    this.depths.value = options.some(([value]) => value === chosen) ? chosen : "fit";
  }

  setFound(text: string): void {
    this.found.textContent = text;
  }

  setHeat(name: string): void {
    this.heats.value = name;
  }

  setWay(on: boolean): void {
    this.wayButton.setAttribute("aria-pressed", String(on));
  }

  setSide(label: string | null): void {
    this.sideButton.hidden = label === null;
    this.bothButton.hidden = label === null;
    if (label) this.sideButton.textContent = label;
  }

  setBoth(on: boolean): void {
    this.bothButton.setAttribute("aria-pressed", String(on));
    this.sideButton.disabled = on;
  }
}
