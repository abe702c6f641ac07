/** From items to places on the plane: every scope laid out by itself, then put where its item stands. */

import type { Item } from "./items";
import { Layouter } from "./layouter";
import type { Arrow, Box, Point, Problem, Solution } from "./layout_types";
import { IN, OUT } from "./layout_types";
import type { Network } from "./network";

export const BOX_WIDTH = 232;
export const ROW_HEIGHT = 26;
export const FOLDED_HEIGHT = 44;
export const FRAME_HEADER = 28;
export const FRAME_PADDING = 14;
const FOLLOWERS = new Set(["normalisation", "activation", "regularisation"]);

export interface Placed {
  item: Item;
  x: number;
  y: number;
  width: number;
  height: number;
  joined: boolean; // hangs on the box above
  inside: Scene | null; // of an open group
}

export interface Line {
  points: Point[];
  label: string;
  labelAt: Point | null;
  from: number[]; // source nodes
  readers: [number, number]; // the interval of nodes that read
  trainOnly: boolean;
}

export interface Scene {
  width: number;
  height: number;
  placed: Placed[];
  lines: Line[];
  inX: number;
  outX: number;
}

interface Unit {
  members: number[]; // indices of items that hang together
  width: number;
  height: number;
}

export class Stage {
  constructor(
    readonly network: Network,
    readonly layouter: Layouter,
  ) {}

  /** The scene of a scope; places are relative to it. */
  async arrange(items: Item[]): Promise<Scene> {
    const inner = await Promise.all(items.map((item) => (item.isOpen ? this.arrange(item.children) : null)));
    const sizes: Box[] = items.map((item, index) => sizeOf(item, inner[index] ?? null));
    const flow = this.flow(items);
    const units = this.units(items, sizes, flow);
    const unitOf = new Int32Array(items.length);
    units.forEach((unit, index) => unit.members.forEach((member) => (unitOf[member] = index)));
    const merged = new Map<string, { arrow: Arrow; line: Line }>();
    for (const { from, to, source } of flow) {
      const start = from < 0 ? from : unitOf[from]!;
      const end = to < 0 ? to : unitOf[to]!;
      if (start === end) continue;
      const key = `${start} ${end}`;
      const known = merged.get(key);
      if (known) {
        if (!known.line.from.includes(source)) known.line.from.push(source);
        continue;
      }
      const label = from < 0 || to < 0 ? "" : this.network.shape(source);
      const readers: [number, number] = to < 0 ? [-1, -1] : [items[to]!.low, items[to]!.high];
      const trainOnly = to >= 0 && items[to]!.low >= 0 && this.network.isTrainOnly(items[to]!.low);
      merged.set(key, {
        arrow: { from: start, to: end, label: from < 0 || to < 0 ? 0 : labelWidth(label) },
        line: { points: [], label, labelAt: null, from: [source], readers, trainOnly },
      });
    }
    const edges = [...merged.values()];
    const problem: Problem = { boxes: units, arrows: edges.map((edge) => edge.arrow) };
    const answer = this.layouter.solve({ boxes: units.map(({ width, height }) => ({ width, height })), arrows: problem.arrows });
    const solution: Solution = answer instanceof Promise ? await answer : answer;
    return this.compose(items, sizes, inner, units, edges.map((edge) => edge.line), problem.arrows, solution);
  }

  /** Values that pass between the items of a scope, and its edge. */
  private flow(items: Item[]): { from: number; to: number; source: number }[] {
    const { network } = this;
    const found: { from: number; to: number; source: number }[] = [];
    const inputs = new Map<number, number>();
    const groups: number[] = [];
    items.forEach((item, index) => {
      if (item.kind === "input") inputs.set(item.child, index);
      else if (item.kind !== "output") groups.push(index);
    });
    const owner = (source: number): number => {
      if (source < 0) return inputs.get(source) ?? IN;
      let [low, high] = [0, groups.length - 1];
      while (low <= high) {
        const middle = (low + high) >> 1;
        const item = items[groups[middle]!]!;
        if (source < item.low) high = middle - 1;
        else if (source >= item.high) low = middle + 1;
        else return groups[middle]!;
      }
      return IN;
    };
    const within = groups.map((index) => items[index]!);
    const scopeHigh = within.length ? within[within.length - 1]!.high : 0;
    const isRoot = items.some((item) => item.kind === "input" || item.kind === "output");
    items.forEach((item, index) => {
      if (item.kind === "input") return;
      const child = item.runKey ? this.firstMember(item) : item.child;
      const sources = item.kind === "output" ? [item.child] : network.readsOf(child);
      for (const source of new Set(sources)) found.push({ from: owner(source), to: index, source });
      if (isRoot || item.kind === "output") return;
      for (let node = item.low; node < item.high; node++) {
        if ((network.lastReader[node] ?? -1) < scopeHigh) continue;
        found.push({ from: index, to: OUT, source: node });
      }
    });
    return found;
  }

  private firstMember(item: Item): number {
    const group = this.network.groupOf.get(item.path);
    const row = group === undefined ? undefined : this.network.data.groups[group];
    return row && item.child !== -1 - group! ? (row.children[0] as number) : item.child;
  }

  /** Neighbours that hang together: an operation with the normalisation and activation that follow it. */
  private units(items: Item[], sizes: Box[], flow: { from: number; to: number }[]): Unit[] {
    const into: number[][] = items.map(() => []);
    const outOf: number[][] = items.map(() => []);
    for (const { from, to } of flow) {
      if (to >= 0) into[to]!.push(from);
      if (from >= 0) outOf[from]!.push(to);
    }
    const units: Unit[] = [];
    items.forEach((item, index) => {
      const before = items[index - 1];
      const last = units[units.length - 1];
      const follows =
        last && before && item.kind === "node" && before.kind === "node" && item.times === 1 && before.times === 1 &&
        FOLLOWERS.has(this.network.kind(item.child).family) && into[index]!.length === 1 &&
        into[index]![0] === index - 1 && outOf[index - 1]!.length === 1; // prettier-ignore
      const { width, height } = sizes[index]!;
      if (follows) {
        last.members.push(index);
        last.height += height;
      } else units.push({ members: [index], width, height });
    });
    return units;
  }

  private compose(
    items: Item[], sizes: Box[], inner: (Scene | null)[], units: Unit[], lines: Line[], arrows: Arrow[], solution: Solution,
  ): Scene { // prettier-ignore
    const placed: Placed[] = [];
    units.forEach((unit, index) => {
      const [x, top] = solution.places[index]!;
      let y = top;
      unit.members.forEach((member, position) => {
        const { width, height } = sizes[member]!;
        const left = x + (unit.width - width) / 2;
        placed.push({ item: items[member]!, x: left, y, width, height, joined: position > 0, inside: inner[member] ?? null });
        y += height;
      });
    });
    lines.forEach((line, index) => {
      const { points, label } = solution.lines[index]!;
      line.points = points.map(([x, y]): Point => [x, y]);
      line.labelAt = label;
      if (!label) line.label = "";
      const { from, to } = arrows[index]!;
      dock(line.points, from >= 0 ? portOf(units, placed, from, items, "out") : null, to >= 0 ? portOf(units, placed, to, items, "in") : null);
    });
    return { width: solution.width, height: solution.height, placed, lines, inX: solution.inX, outX: solution.outX };
  }
}

/** In steps, and kept free where the shape is not known: places do not depend on what a label says. */
function labelWidth(label: string): number {
  return Math.ceil(Math.max(label.length * 6.4 + 10, 1) / 80) * 80;
}

function sizeOf(item: Item, inside: Scene | null): Box {
  if (inside)
    return {
      width: Math.max(inside.width + 2 * FRAME_PADDING, BOX_WIDTH),
      height: inside.height + FRAME_HEADER + FRAME_PADDING / 2,
    };
  if (item.kind === "group" || item.times > 1) return { width: BOX_WIDTH, height: FOLDED_HEIGHT };
  return { width: item.kind === "node" ? BOX_WIDTH : BOX_WIDTH * 0.6, height: ROW_HEIGHT };
}

/** Where the lines of an open group go through its frame: above, below what lies inside. */
function portOf(units: Unit[], placed: Placed[], unit: number, items: Item[], side: "in" | "out"): Point | null {
  const members = units[unit]!.members;
  const item = items[side === "in" ? members[0]! : members[members.length - 1]!];
  const found = placed.find((each) => each.item === item);
  if (!found?.inside) return null;
  const left = found.x + (found.width - found.inside.width) / 2;
  return side === "in" ? [left + found.inside.inX, found.y] : [left + found.inside.outX, found.y + found.height];
}

function dock(points: Point[], start: Point | null, end: Point | null): void {
  if (start) points[0] = start;
  if (end) points[points.length - 1] = end;
}
