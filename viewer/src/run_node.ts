/** What a trained network holds and makes at a node: histograms of its weights, feature maps of a chosen image. */

import { button, h } from "./dom";
import type { Histogram, RunData } from "./document";
import { picture } from "./exhibits";
import { drawHistogram } from "./histogram";
import type { Server } from "./server";
import type { Theme } from "./theme";

interface Maps {
  shape: number[];
  images: string[]; // data addresses, a channel each
  histogram: Histogram;
  inputs: string[];
  count: number;
}

export class NodeValues {
  private image = "0"; // the number of one of the test set, or a data address
  private kept: { key: string; section: HTMLElement } | null = null; // what was asked for stays while the run goes on

  constructor(private readonly server: Server) {}

  /** The section of a node; null where nothing is known of it. */
  show(path: string, run: RunData, theme: Theme): HTMLElement | null {
    const label = "what the run holds here";
    if (!this.server.isThere) {
      const frozen = run.weights?.[path];
      return frozen ? h("section", { "aria-label": label, class: "values" }, h("h3", {}, "In the run"), ...frozen.map((each) => drawn(each, theme))) : null;
    }
    if (!run.has_weights) return null;
    const key = `${path}\n${theme.background}`;
    if (this.kept?.key !== key) this.kept = { key, section: this.asking(path, theme, label) };
    return this.kept.section;
  }

  private asking(path: string, theme: Theme, label: string): HTMLElement {
    const place = h("div", { class: "values" });
    const number = h("input", { type: "number", min: 0, step: 1, value: /^\d+$/.test(this.image) ? this.image : "0", "aria-label": "number of the image in the test set", class: "number" });
    const choose = h("input", { type: "file", accept: "image/*", "aria-label": "an image for the feature maps" });
    number.addEventListener("change", () => {
      this.image = String(Math.max(Math.floor(Number(number.value) || 0), 0));
      choose.value = "";
      void this.maps(path, place, number, theme);
    });
    choose.addEventListener("change", () => {
      const file = choose.files?.[0];
      if (!file) return;
      const reader = new FileReader();
      reader.onload = () => {
        this.image = String(reader.result);
        void this.maps(path, place, number, theme);
      };
      reader.readAsDataURL(file);
    });
    return h(
      "section", { "aria-label": label },
      h("h3", {}, "In the run"),
      h("p", { class: "buttons" },
        button("Weights", "histograms of the weights", () => void this.weights(path, place, theme)),
        button("Feature maps", "what the node makes of an image", () => void this.maps(path, place, number, theme))),
      h("p", { class: "choice" }, h("label", {}, "of test image ", number), h("label", {}, " or of ", choose)), place,
    ); // prettier-ignore
  }

  private async weights(path: string, place: HTMLElement, theme: Theme): Promise<void> {
    say(place, "reading the weights …");
    try {
      const { histograms } = await this.server.weights<{ histograms: Histogram[] }>(path);
      if (!histograms.length) return say(place, "this node has no weights");
      place.replaceChildren(...histograms.map((each) => drawn(each, theme)));
    } catch (error) {
      say(place, (error as Error).message);
    }
  }

  private async maps(path: string, place: HTMLElement, number: HTMLInputElement, theme: Theme): Promise<void> {
    say(place, "running the network …");
    try {
      const found = await this.server.post<Maps>("/features", { node: path, image: this.image });
      if (found.count) number.max = String(found.count - 1);
      const images = found.images.map((address, index) => picture(address, `channel ${index}`));
      place.replaceChildren(
        h("div", { class: "given" }, ...found.inputs.map((address) => picture(address, "the image as the network takes it"))),
        h("p", {}, `${found.shape.join("×")}, ${found.images.length} maps shown`),
        h("div", { class: "maps" }, ...images),
        drawn(found.histogram, theme),
      );
    } catch (error) {
      say(place, (error as Error).message);
    }
  }
}

function say(place: HTMLElement, text: string): void {
  place.replaceChildren(h("p", { class: "note", role: "status" }, text));
}

function drawn(each: Histogram, theme: Theme): HTMLElement {
  const text = `${each.name}: mean ${each.mean.toPrecision(3)}, spread ${each.std.toPrecision(3)}, ${(each.zeros * 100).toPrecision(3)} % zero`;
  return h("figure", { class: "histogram" }, h("figcaption", {}, text), drawHistogram(each.counts, each.low, each.high, theme, each.name));
}
