/** The page: what is open, selected and shown, and what happens when something changes. */

import { Beside } from "./beside";
import { button, h, onKeys } from "./dom";
import type { Diagnostic, FieldAxis, ViewDocument } from "./document";
import { download } from "./exporting";
import { plural } from "./format";
import type { Item } from "./items";
import { Folding, walkItems } from "./items";
import { Layouter } from "./layouter";
import { Marks } from "./marks";
import { Minimap } from "./minimap";
import type { Metric } from "./network";
import { Network } from "./network";
import type { Acts, Around } from "./panel";
import { drawDetails, drawOverview } from "./panel";
import { Picture } from "./picture";
import { RunView } from "./run";
import { NodeValues } from "./run_node";
import { Stage } from "./scene";
import { search } from "./search";
import type { Server } from "./server";
import type { Theme } from "./theme";
import { LIGHT, firstTheme, setTheme } from "./theme";
import { Toolbar } from "./toolbar";
import { TreeView } from "./tree";
import { drawChangeList } from "./changes";

const LEAST_READABLE = 0.62; // scale below which names cannot be read
const ROW_PIXELS = 34;

export class App {
  private network: Network;
  private folding: Folding;
  private marks: Marks;
  private stage: Stage;
  private readonly layouter = new Layouter();
  readonly picture: Picture;
  private readonly tree = new TreeView();
  private readonly minimap: Minimap;
  private readonly toolbar: Toolbar;
  private readonly panel = h("aside", { class: "panel", "aria-label": "details", tabindex: 0 });
  private readonly notice = h("div", { class: "notice", role: "status" });
  private readonly run: RunView;
  private readonly values: NodeValues;
  private items: Item[] = [];
  private theme: Theme;
  private found: number[] = [];
  private foundAt = -1;
  private query = "";
  private showsWay = false;
  private side: "new" | "old" = "new";
  private readonly beside: Beside | null;
  private readonly stagePlace: HTMLElement;
  private rendering = 0;
  revision: number; // of the state that is drawn
  readonly listeners: (() => void)[] = []; // told once, when a newer state is drawn

  constructor(
    root: HTMLElement,
    private readonly server: Server,
    private data: ViewDocument,
  ) {
    this.theme = firstTheme();
    this.revision = data.revision ?? 0;
    this.network = new Network(data);
    this.folding = new Folding(this.network);
    this.marks = new Marks(this.network);
    this.stage = new Stage(this.network, this.layouter);
    this.run = new RunView(server);
    this.values = new NodeValues(server);
    this.picture = new Picture(this.look);
    this.minimap = new Minimap(this.picture);
    this.toolbar = new Toolbar(data.name, this.controls(), server.isThere && data.subject !== "onnx");
    this.beside = data.other ? new Beside(data.other, this.layouter, this.theme) : null;
    const pane = this.beside ? [this.beside.element, h("p", { class: "caption after" }, "after")] : [];
    const middle = h("main", { class: "stage" }, this.picture.svg, ...pane, this.minimap.element, this.notice);
    this.stagePlace = middle;
    const nav = h("nav", { class: "outline", "aria-label": "outline" }, this.tree.element);
    root.replaceChildren(this.toolbar.element, h("div", { class: "columns" }, nav, middle, this.panel));
    this.picture.onMove = () => this.minimap.schedule();
    this.picture.onSelect = (path) => void this.select(path);
    this.picture.onToggle = (path) => void this.toggle(path);
    if (this.beside) {
      this.beside.onSelect = (path) => void this.select(path, true);
      this.beside.onToggle = (path) => void this.toggle(path);
    }
    this.tree.onSelect = (path) => void this.select(path, true);
    this.tree.onToggle = (path, open) => void this.toggle(path, open);
    onKeys(this.keys());
    new ResizeObserver(() => this.picture.draw()).observe(this.picture.svg);
    this.applyDifference();
  }

  private get look(): { network: Network; marks: Marks; theme: Theme } {
    return { network: this.network, marks: this.marks, theme: this.theme };
  }

  /** First paint. */
  async start(): Promise<void> {
    this.folding.fit(this.room());
    this.toolbar.setDepths(this.folding.maxDepth);
    await this.render();
    this.showPanel();
    this.picture.fit(LEAST_READABLE);
    this.tellStale();
    this.server.follow({
      changed: () => void this.reload(),
      trouble: ({ message }) => this.say(String(message)),
      reveal: ({ node }) => void this.reveal(String(node)),
      lost: () => this.say("the server is gone; start `specgraph view` again"),
      hello: ({ revision }) => {
        if (this.notice.textContent?.startsWith("the server is gone")) this.say("");
        if (revision !== this.data.revision) void this.reload();
      },
    });
  }

  private room(): number {
    return Math.max(12, Math.floor(this.picture.size.height / (ROW_PIXELS * LEAST_READABLE)));
  }

  // drawing -----------------------------------------------------------------------------------

  /** Lay out and draw what is visible. `hold` is a path that stays where it is in the window. */
  private async render(hold?: string | Iterable<string>): Promise<void> {
    const turn = ++this.rendering;
    const items = this.folding.items();
    const scene = await this.stage.arrange(items);
    if (turn !== this.rendering) return;
    this.items = items;
    const before = this.picture.places;
    this.marks.prepareHeat(walkItems(items));
    this.picture.show(scene, this.look);
    if (hold !== undefined) this.picture.holdPlace(before, typeof hold === "string" ? [hold] : hold);
    this.tree.show(items, this.network, this.marks);
    this.minimap.schedule();
    await this.drawBeside();
  }

  private async drawBeside(): Promise<void> {
    if (this.beside && !this.beside.element.hidden) await this.beside.draw(this.folding, this.theme, this.marks.heat, this.marks.selected);
  }

  private redraw(): void {
    if (!this.picture.scene) return;
    this.marks.prepareHeat(walkItems(this.items));
    this.picture.show(this.picture.scene, this.look);
    this.tree.show(this.items, this.network, this.marks);
    this.minimap.schedule();
    void this.drawBeside();
  }

  private itemAt(path: string): Item | undefined {
    for (const item of walkItems(this.items)) if (item.path === path) return item;
    return undefined;
  }

  private showPanel(): void {
    const around: Around = { network: this.network, marks: this.marks, theme: this.theme, acts: this.acts() };
    const item = this.marks.selected === null ? undefined : this.itemAt(this.marks.selected);
    const scroll = this.panel.scrollTop;
    this.panel.classList.toggle("of-run", !item && this.data.run !== undefined);
    if (item) this.panel.replaceChildren(button("×", "close (Esc)", () => void this.select(null), { class: "close" }), drawDetails(around, item));
    else {
      const changes = this.data.difference?.changes;
      const more = [
        changes ? drawChangeList(changes, (path) => void this.reveal(path)) : null,
        this.data.run ? this.run.show(this.data.run, this.theme) : null,
      ];
      this.panel.replaceChildren(drawOverview(around, more));
      this.panel.scrollTop = scroll;
    }
  }

  // acting ------------------------------------------------------------------------------------

  private acts(): Acts {
    return {
      canApply: this.server.isThere && !this.data.read_only && this.side === "new",
      apply: (diagnostic, cure) => void this.apply(diagnostic, cure),
      select: (path) => void this.reveal(path),
      toggle: (path) => void this.toggle(path),
      unroll: (key, open) => {
        if (open) this.folding.unrolled.add(key);
        else this.folding.unrolled.delete(key);
        this.folding.open.add(key.slice(0, key.lastIndexOf(":")));
        void this.render(this.marks.selected ?? undefined).then(() => this.showPanel());
      },
      ofKind: (group, open) => {
        this.folding.allOfKind(group, open);
        void this.render(this.marks.selected ?? undefined).then(() => this.showPanel());
      },
      openInEditor: this.data.editor
        ? (path) => void this.server.post("/open", { node: path }).catch((error: Error) => this.say(error.message))
        : null,
      field: this.data.fields_on_demand ? (path) => this.server.field<{ field: FieldAxis[] | null }>(path).then(({ field }) => field) : null,
      more: (node) => (this.data.run ? this.values.show(this.network.path(node), this.data.run, this.theme) : null),
    };
  }

  async select(path: string | null, bring = false): Promise<void> {
    this.marks.selected = path;
    this.markWay();
    this.redraw();
    this.showPanel();
    if (path === null) return;
    this.tree.focus(path, false);
    this.beside?.centre(path);
    if (bring && !this.picture.isSeen(path)) this.picture.centre(path);
  }

  async toggle(path: string, open?: boolean): Promise<void> {
    const item = this.itemAt(path);
    if (!item || item.kind !== "group") return;
    this.folding.toggle(path, open);
    await this.render(path);
    this.tree.focus(path, document.activeElement?.closest("[role=tree]") !== null);
    if (this.marks.selected === path) this.showPanel();
  }

  /** Show a node or block wherever it is hidden, and select it. */
  async reveal(path: string): Promise<void> {
    if (!this.itemAt(path)) {
      this.folding.reveal(path);
      await this.render();
    }
    await this.select(path);
    this.picture.centre(path);
  }

  private markWay(): void {
    const item = this.showsWay && this.marks.selected !== null ? this.itemAt(this.marks.selected) : undefined;
    this.marks.way = item ? this.network.wayThrough(item.low, Math.max(item.high, item.low + 1)) : null;
    this.toolbar.setWay(this.showsWay);
  }

  private searchFor(query: string): void {
    this.query = query;
    this.found = search(this.network, query);
    this.foundAt = -1;
    this.marks.found = query.trim() ? new Set(this.found) : null;
    this.toolbar.setFound(query.trim() ? (this.found.length ? plural(this.found.length, "node") : "none") : "");
    this.redraw();
  }

  private async nextFound(step: number): Promise<void> {
    if (!this.found.length) return;
    this.foundAt = (this.foundAt + step + this.found.length) % this.found.length;
    await this.reveal(this.network.path(this.found[this.foundAt]!));
    this.toolbar.setFound(`${this.foundAt + 1} of ${this.found.length}`);
  }

  private async heat(metric: string): Promise<void> {
    if (metric === "time" && !this.network.times) {
      this.say("measuring every node …");
      try {
        const { times } = await this.server.times<{ times: Record<string, number> }>();
        this.network.setTimes(new Map(Object.entries(times)));
        this.say("");
      } catch (error) {
        this.toolbar.setHeat("");
        return this.say((error as Error).message);
      }
    }
    this.marks.heat = metric === "" ? null : (metric as Metric);
    this.redraw();
    this.showPanel();
  }

  private controls(): ConstructorParameters<typeof Toolbar>[1] {
    return {
      search: (query) => this.searchFor(query),
      nextFound: (step) => void this.nextFound(step),
      depth: (depth) => {
        if (depth === "fit") this.folding.fit(this.room());
        else this.folding.toDepth(depth);
        void this.render().then(() => this.picture.fit(LEAST_READABLE));
      },
      heat: (metric) => void this.heat(metric),
      zoom: (factor) => this.picture.scaleBy(factor),
      fit: () => this.keys().f!(),
      theme: () => this.switchTheme(),
      way: () => {
        this.showsWay = !this.showsWay;
        this.markWay();
        this.redraw();
      },
      export: (format) => void download(this.picture, format, this.data.name).catch((error: Error) => this.say(error.message)),
      side: () => void this.switchSide(),
      both: () => void this.showBoth(),
    };
  }

  private switchTheme(): void {
    this.theme = setTheme(this.theme === LIGHT);
    this.redraw();
    this.showPanel();
  }

  private keys(): Record<string, () => void> {
    return {
      "/": () => this.toolbar.searchBox.focus(),
      f: () => [this.picture, this.beside?.picture].forEach((each) => each?.fit()),
      "+": () => this.picture.scaleBy(1.4),
      "=": () => this.picture.scaleBy(1.4),
      "-": () => this.picture.scaleBy(1 / 1.4),
      w: () => this.controls().way(),
      n: () => void this.nextFound(1),
      N: () => void this.nextFound(-1),
      Escape: () => void this.select(null),
    };
  }

  private say(text: string): void {
    this.notice.textContent = text;
  }

  // changes -----------------------------------------------------------------------------------

  private async apply(diagnostic: Diagnostic, cure: number): Promise<void> {
    const index = this.data.diagnostics.indexOf(diagnostic);
    try {
      await this.server.post("/fix", { revision: this.data.revision, diagnostic: index, cure });
      this.say(`the cure of ${diagnostic.code} is written into ${diagnostic.path}`);
    } catch (error) {
      this.say((error as Error).message);
    }
  }

  /** Take over newer data: what stayed keeps its place in the window, its fold and its selection. */
  private async reload(): Promise<void> {
    try {
      this.data = await this.server.data();
    } catch (error) {
      return this.say((error as Error).message);
    }
    await this.take();
    this.tellStale();
  }

  private async take(): Promise<void> {
    const shown = this.side === "old" && this.data.other ? { ...this.data.other, revision: this.data.revision } : this.data;
    const before = this.network;
    this.network = new Network(shown);
    if (before.times) this.network.setTimes(before.times);
    this.folding.adopt(this.network);
    for (const node of this.network.diagnosticsOf.keys())
      if (this.network.severityOf(node) === "error") this.folding.reveal(this.network.path(node));
    const marks = new Marks(this.network);
    marks.heat = this.marks.heat;
    marks.selected = this.marks.selected;
    this.marks = marks;
    this.stage = new Stage(this.network, this.layouter);
    this.applyDifference();
    const seen = [...this.picture.places.keys()].filter((path) => this.picture.isSeen(path));
    await this.render(seen.length ? seen : undefined);
    if (this.query) this.searchFor(this.query);
    this.markWay();
    this.toolbar.setDepths(this.folding.maxDepth);
    this.showPanel();
    this.revision = this.data.revision ?? 0;
    for (const told of this.listeners.splice(0)) told();
  }

  private tellStale(): void {
    const first = this.data.diagnostics.find((diagnostic) => diagnostic.severity === "error");
    if (this.data.stale && first) this.say(`line ${first.line}: ${first.message}; the picture is of the last text that could be read`);
    else if (!this.notice.textContent?.startsWith("the cure of")) this.say("");
  }

  private applyDifference(): void {
    if (!this.data.other) return this.toolbar.setSide(null);
    this.beside?.set(this.data.other, this.data.difference?.changes ?? []);
    this.marks.setChanges(this.data.difference?.changes ?? [], this.side);
    this.toolbar.setSide(this.side === "new" ? "Show before" : "Show after");
  }

  /** Two panes, the network before and the one after it, or one again. */
  private async showBoth(): Promise<void> {
    const { beside } = this;
    if (!beside) return;
    if (this.side === "old") await this.switchSide();
    beside.element.hidden = !beside.element.hidden;
    this.stagePlace.classList.toggle("two", !beside.element.hidden);
    this.toolbar.setBoth(!beside.element.hidden);
    await this.drawBeside();
    this.picture.fit(LEAST_READABLE);
    beside.picture.fit(LEAST_READABLE);
  }

  private async switchSide(): Promise<void> {
    this.side = this.side === "new" ? "old" : "new";
    this.marks.selected = null;
    await this.take();
  }
}
