/** A layout in near-linear time, for scopes that dagre does not finish: layers by the longest way, in each the order
 * of what a box reads, arrows straight. */

import type { Point, Problem, Solution } from "./layout_types";
import { GAP, IN, LABEL_GAP, OUT } from "./layout_types";

export function layoutLayered({ boxes, arrows }: Problem): Solution {
  const layer = new Int32Array(boxes.length);
  const sources: number[][] = boxes.map(() => []);
  for (const { from, to } of arrows) if (from >= 0 && to >= 0) sources[to]?.push(from);
  const order = topological(boxes.length, sources);
  for (const box of order) for (const from of sources[box]!) layer[box] = Math.max(layer[box]!, layer[from]! + 1);
  const layers: number[][] = [];
  for (const box of order) (layers[layer[box]!] ??= []).push(box);
  const centre = new Float64Array(boxes.length);
  const places: Point[] = boxes.map(() => [0, 0]);
  let y = GAP;
  let left = 0;
  let right = 0;
  for (const row of layers) {
    const wish = (box: number): number => {
      const above = sources[box]!;
      return above.length ? above.reduce((sum, from) => sum + centre[from]!, 0) / above.length : 0;
    };
    row.sort((a, b) => wish(a) - wish(b));
    const total = row.reduce((sum, box) => sum + boxes[box]!.width + GAP, -GAP);
    const middle = row.reduce((sum, box) => sum + wish(box), 0) / row.length;
    let x = middle - total / 2;
    let tallest = 0;
    for (const box of row) {
      const { width, height } = boxes[box]!;
      places[box] = [x, y];
      centre[box] = x + width / 2;
      left = Math.min(left, x);
      right = Math.max(right, x + width);
      x += width + GAP;
      tallest = Math.max(tallest, height);
    }
    y += tallest + LABEL_GAP;
  }
  const height = y - LABEL_GAP + GAP;
  for (const place of places) place[0] -= left;
  const width = right - left;
  const top = (box: number): Point => [centre[box]! - left, places[box]![1]];
  const bottom = (box: number): Point => [centre[box]! - left, places[box]![1] + boxes[box]!.height];
  const lines = arrows.map(({ from, to }) => ({
    points: [from === IN ? ([width / 2, 0] as Point) : bottom(from), to === OUT ? ([width / 2, height] as Point) : top(to)],
    label: null,
  }));
  return { width, height, places, lines, inX: width / 2, outX: width / 2 };
}

function topological(count: number, sources: number[][]): number[] {
  const waiting = new Int32Array(count);
  const readers: number[][] = Array.from({ length: count }, () => []);
  sources.forEach((above, box) => {
    waiting[box] = above.length;
    for (const from of above) readers[from]!.push(box);
  });
  const ready = [...Array(count).keys()].filter((box) => !waiting[box]);
  for (const box of ready) for (const reader of readers[box]!) if (!--waiting[reader]!) ready.push(reader);
  return ready.length === count ? ready : [...Array(count).keys()];
}
