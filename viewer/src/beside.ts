/** The second pane: the network before, folded and selected as the one it is compared with. */

import type { Change, ViewDocument } from "./document";
import { h } from "./dom";
import { Folding } from "./items";
import { walkItems } from "./items";
import type { Layouter } from "./layouter";
import { Marks } from "./marks";
import type { Metric } from "./network";
import { Network } from "./network";
import { Picture } from "./picture";
import { Stage } from "./scene";
import type { Theme } from "./theme";

export class Beside {
  readonly element: HTMLElement;
  readonly picture: Picture;
  private network: Network;
  private readonly folding: Folding;
  private marks: Marks;
  private stage: Stage;
  private toOld = new Map<string, string>(); // paths that changed their name
  private toNew = new Map<string, string>();
  onSelect: (path: string | null) => void = () => undefined; // paths of the new network
  onToggle: (path: string) => void = () => undefined;

  constructor(
    data: ViewDocument,
    private readonly layouter: Layouter,
    theme: Theme,
  ) {
    this.network = new Network(data);
    this.folding = new Folding(this.network);
    this.marks = new Marks(this.network);
    this.stage = new Stage(this.network, layouter);
    this.picture = new Picture({ network: this.network, marks: this.marks, theme });
    this.picture.svg.setAttribute("aria-label", "the network before, as a picture");
    this.picture.onSelect = (path) => this.onSelect(path === null ? null : (this.toNew.get(path) ?? path));
    this.picture.onToggle = (path) => this.onToggle(this.toNew.get(path) ?? path);
    this.element = h("section", { class: "beside", "aria-label": "before", hidden: true }, this.picture.svg, h("p", { class: "caption" }, "before"));
    new ResizeObserver(() => this.picture.draw()).observe(this.picture.svg);
  }

  /** Take another state of the two networks. */
  set(data: ViewDocument, changes: Change[]): void {
    this.network = new Network(data);
    this.folding.network = this.network;
    this.marks = new Marks(this.network);
    this.stage = new Stage(this.network, this.layouter);
    const renamed = changes.filter((change) => change.old !== null && change.new !== null && change.old !== change.new);
    this.toOld = new Map(renamed.map((change) => [change.new!, change.old!]));
    this.toNew = new Map(renamed.map((change) => [change.old!, change.new!]));
    this.marks.setChanges(changes, "old");
  }

  /** Draw it, folded as the other one; `selected` is a path of the other one. */
  async draw(folding: Folding, theme: Theme, heat: Metric | null, selected: string | null): Promise<void> {
    const own = (path: string): string => this.toOld.get(path) ?? path;
    this.folding.open.clear();
    this.folding.unrolled.clear();
    for (const path of folding.open) this.folding.open.add(own(path));
    for (const key of folding.unrolled) this.folding.unrolled.add(key);
    this.marks.heat = heat;
    this.marks.selected = selected === null ? null : own(selected);
    const items = this.folding.items();
    this.marks.prepareHeat(walkItems(items));
    const [before, hold] = [this.picture.places, this.marks.selected];
    this.picture.show(await this.stage.arrange(items), { network: this.network, marks: this.marks, theme });
    if (hold !== null) this.picture.holdPlace(before, [hold]);
  }

  /** Bring what answers a path of the other network into sight. */
  centre(path: string): void {
    const own = this.toOld.get(path) ?? path;
    if (!this.picture.isSeen(own)) this.picture.centre(own);
  }
}
