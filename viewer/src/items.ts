/** What is on the picture: the tree of items under what is folded. An item is a node, a group, a run of equal
 * neighbours drawn once, an input or an output of the network. */

import type { Network } from "./network";

export interface Item {
  path: string;
  title: string;
  kind: "node" | "group" | "input" | "output";
  child: number; // node, or -1 - group: of a run the first member
  low: number; // the nodes it stands for: of a run all members
  high: number;
  times: number;
  varies: string;
  isOpen: boolean;
  children: Item[];
  depth: number;
  runKey: string; // of a run: what unrolls it
}

export class Folding {
  readonly open = new Set<string>();
  readonly unrolled = new Set<string>();

  constructor(public network: Network) {}

  /** The items of the whole network, those inside open groups included. */
  items(): Item[] {
    const { data } = this.network;
    const ends = (kind: "input" | "output", name: string, node: number): Item => ({
      path: name, title: name, kind, child: node, low: node, high: node, times: 1, varies: "", isOpen: false,
      children: [], depth: 1, runKey: "",
    }); // prettier-ignore
    const taken = (path: string): boolean =>
      this.network.nodeOf.has(path) || this.network.groupOf.has(path) || data.inputs.some((input) => input.name === path);
    const name = (given: string): string => (taken(given) ? `${given} (output)` : given);
    return [
      ...data.inputs.map((input, index) => ends("input", input.name, -1 - index)),
      ...(data.groups.length ? this.inside(0, 1) : []),
      ...data.outputs.map((output) => ends("output", name(output.name), output.node)),
    ];
  }

  private inside(group: number, depth: number): Item[] {
    const row = this.network.data.groups[group];
    if (!row) return [];
    const found: Item[] = [];
    let place = 0;
    for (const [start, count, varies] of row.runs ?? []) {
      while (place < start) found.push(this.item(row.children[place++] as number, depth));
      const runKey = `${row.path}:${start}`;
      if (this.unrolled.has(runKey)) {
        while (place < start + count) found.push(this.item(row.children[place++] as number, depth));
      } else {
        const item = this.item(row.children[start] as number, depth);
        item.times *= count;
        item.varies = [varies, item.varies].filter(Boolean).join(", ");
        item.high = this.network.highOf(row.children[start + count - 1] as number);
        item.title = this.runTitle(row.children, start, count);
        item.runKey = runKey;
        found.push(item);
        place = start + count;
      }
    }
    while (place < row.children.length) found.push(this.item(row.children[place++] as number, depth));
    return found;
  }

  private runTitle(children: number[], start: number, count: number): string {
    const [first = "", last = ""] = [children[start], children[start + count - 1]].map((child) => this.name(child as number));
    let same = 0; // what both names begin with, numbers whole
    while (same < first.length && first[same] === last[same]) same++;
    while (same > 0 && /\d/.test(first[same - 1]!)) same--;
    return `${first} … ${last.slice(same) || last}`;
  }

  private name(child: number): string {
    const path = child < 0 ? (this.network.data.groups[-1 - child]?.path ?? "") : this.network.path(child);
    if (path.includes("…")) return path;
    const parts = path.split(".");
    return parts.slice(child < 0 && /^\d+$/.test(parts.at(-1) ?? "") ? -2 : -1).join(".");
  }

  private item(child: number, depth: number): Item {
    const { network } = this;
    const low = network.lowOf(child);
    const high = network.highOf(child);
    const base = { child, low, high, times: 1, varies: "", isOpen: false, children: [], depth, runKey: "" };
    if (child >= 0) return { ...base, path: network.path(child), title: this.name(child), kind: "node" };
    const group = -1 - child;
    const row = network.data.groups[group]!;
    const item: Item = { ...base, path: row.path, title: this.name(child), kind: "group" };
    const run = row.runs?.[0];
    const isWholeRun = row.kind === "repeat" && run && run[1] === row.children.length;
    const runKey = `${row.path}:0`;
    if (isWholeRun && !this.unrolled.has(runKey)) {
      item.times = run[1];
      item.varies = run[2];
      item.runKey = runKey;
      const first = row.children[0] as number;
      if (first >= 0) return { ...item, child: first, kind: "node" };
      item.isOpen = this.open.has(row.path);
      if (item.isOpen) item.children = this.inside(-1 - first, depth + 1);
      return item;
    }
    item.isOpen = this.open.has(row.path);
    if (item.isOpen) item.children = this.inside(group, depth + 1);
    return item;
  }

  // folding -----------------------------------------------------------------------------------

  /** Make a node or group visible: open what it is inside, unroll the runs that hide it. Returns its path. */
  reveal(path: string): string {
    const { network } = this;
    const node = network.nodeOf.get(path);
    let group = node !== undefined ? (network.parent[node] ?? -1) : (network.groupOf.get(path) ?? -1);
    let child = node ?? -1 - group;
    if (node === undefined) {
      if (group < 0) return path;
      group = network.groupParent[group] ?? -1;
    }
    for (; group >= 0; group = network.groupParent[group] ?? -1) {
      const row = network.data.groups[group]!;
      this.open.add(row.path);
      const at = row.children.indexOf(child);
      for (const [start, count] of row.runs ?? [])
        if (at > start && at < start + count) this.unrolled.add(`${row.path}:${start}`);
      child = -1 - group;
    }
    return path;
  }

  toggle(path: string, open?: boolean): void {
    if (open ?? !this.open.has(path)) this.open.add(path);
    else this.open.delete(path);
  }

  /** Open everything down to a depth, close what is deeper. */
  toDepth(depth: number): void {
    this.open.clear();
    this.network.data.groups.forEach((group, index) => {
      if (index && this.depthOf(index) <= depth) this.open.add(group.path);
    });
  }

  depthOf(group: number): number {
    let depth = 0;
    for (let at = group; at > 0; at = this.network.groupParent[at] ?? -1) depth++;
    return depth;
  }

  get maxDepth(): number {
    let most = 0;
    this.network.data.groups.forEach((_, index) => (most = Math.max(most, this.depthOf(index))));
    return most;
  }

  /** Fold or unfold every group of a kind: those made from the same block, else of the same name. */
  allOfKind(group: number, open: boolean): void {
    const kind = this.kindOf(group);
    this.network.data.groups.forEach((row, index) => {
      if (index && this.kindOf(index) === kind) this.toggle(row.path, open);
    });
  }

  kindOf(group: number): string {
    const row = this.network.data.groups[group]!;
    const first = row.children[0];
    if (row.kind === "repeat" && first !== undefined && first < 0) return `repeat ${this.kindOf(-1 - first)}`;
    return row.block ? `block ${row.block}` : `${row.kind} ${this.name(-1 - group).replace(/\d+/g, "#")}`;
  }

  /** Open levels as long as about `room` items are visible; what is wrong is always shown. */
  fit(room: number): void {
    this.open.clear();
    this.unrolled.clear();
    const count = (items: Item[]): number =>
      items.reduce((sum, item) => sum + (item.isOpen ? count(item.children) + 1 : 1), 0);
    for (let depth = 1; depth <= this.maxDepth; depth++) {
      const before = new Set(this.open);
      this.openLevel(depth);
      if (count(this.items()) > room) {
        this.open.clear();
        for (const path of before) this.open.add(path);
        break;
      }
    }
    for (const node of this.network.diagnosticsOf.keys())
      if (this.network.severityOf(node) === "error") this.reveal(this.network.path(node));
  }

  private openLevel(depth: number): void {
    const walk = (items: Item[], at: number): void => {
      for (const item of items) {
        if (item.kind !== "group") continue;
        if (at === depth) this.open.add(item.path);
        else walk(item.children, at + 1);
      }
    };
    walk(this.items(), 1);
  }

  /** Keep what is open for another state of the same file. */
  adopt(network: Network): void {
    this.network = network;
    for (const path of this.open) if (!network.groupOf.has(path)) this.open.delete(path);
  }
}

/** All items, outer ones first, in order. */
export function* walkItems(items: Item[]): Generator<Item> {
  for (const item of items) {
    yield item;
    if (item.isOpen) yield* walkItems(item.children);
  }
}
