/** How an item is drawn beyond its kind: heat, differences, what is selected and what lies on its way. */

import type { Change } from "./document";
import type { Item } from "./items";
import type { Metric, Network, Severity } from "./network";
import type { Theme } from "./theme";
import { mix } from "./theme";

export type DiffKind = "added" | "removed" | "changed";

export class Marks {
  heat: Metric | null = null;
  selected: string | null = null;
  way: Set<number> | null = null; // nodes on the way through the selected item
  found: Set<number> | null = null; // nodes that a search found
  private differing = new Map<number, Change>();
  private hottest = 0;

  constructor(public network: Network) {}

  setChanges(changes: Change[], side: "old" | "new"): void {
    this.differing = new Map();
    for (const change of changes) {
      if (side === "old" ? change.kind === "added" : change.kind === "removed") continue;
      const paths = side === "new" || change.kind === "removed" ? change.nodes : [change.old ?? ""];
      for (const path of paths) {
        const node = this.network.nodeOf.get(path);
        if (node !== undefined) this.differing.set(node, change);
      }
    }
  }

  changeOf(node: number): Change | undefined {
    return this.differing.get(node);
  }

  difference(item: Item): DiffKind | null {
    if (item.kind !== "node" && item.kind !== "group") return null;
    const kinds = new Set<DiffKind | null>();
    for (let node = item.low; node < item.high; node++) {
      const kind = this.differing.get(node)?.kind;
      kinds.add(kind === undefined ? null : kind === "added" || kind === "removed" ? kind : "changed");
      if (kinds.size > 1) return "changed";
    }
    return [...kinds][0] ?? null;
  }

  /** Call before drawing: the hottest of the visible items gets the full colour. */
  prepareHeat(items: Iterable<Item>): void {
    this.hottest = 0;
    if (!this.heat) return;
    for (const item of items)
      if (!item.isOpen && item.kind !== "input" && item.kind !== "output")
        this.hottest = Math.max(this.hottest, this.network.sum(item.low, item.high, this.heat));
  }

  heatColour(item: Item, theme: Theme): string | null {
    if (!this.heat || item.kind === "input" || item.kind === "output") return null;
    const share = this.hottest ? this.network.sum(item.low, item.high, this.heat) / this.hottest : 0;
    return mix(theme.heat[0], theme.heat[1], Math.sqrt(share));
  }

  /** Whether an item is drawn pale: a way or a search is shown, and it has no part in it. */
  isPale(item: Item): boolean {
    const wanted = this.found ?? this.way;
    if (!wanted) return false;
    if (item.kind === "input" || item.kind === "output") return !wanted.has(item.child);
    for (let node = item.low; node < item.high; node++) if (wanted.has(node)) return false;
    return true;
  }

  severity(item: Item): Severity | null {
    if (item.kind === "input" || item.kind === "output") return null;
    if (item.kind === "node" && item.high === item.low + 1) return this.network.severityOf(item.low);
    let worst: Severity | null = null;
    const rank = { error: 3, warning: 2, info: 1 };
    for (const node of this.network.diagnosticsOf.keys()) {
      if (node < item.low || node >= item.high) continue;
      const found = this.network.severityOf(node);
      if (found && (!worst || rank[found] > rank[worst])) worst = found;
    }
    return worst;
  }
}
