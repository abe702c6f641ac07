/** Scopes that need no search: boxes one below the other, each reading the one above. */

import type { Point, Problem, Solution } from "./layout_types";
import { GAP, IN, LABEL_GAP, OUT } from "./layout_types";

/** The layout of a chain; null where the scope is none. */
export function layoutChain({ boxes, arrows }: Problem): Solution | null {
  for (const { from, to } of arrows) {
    const isStep =
      (from === IN && to === 0) || (to === OUT && from === boxes.length - 1) || (from >= 0 && to === from + 1);
    if (!isStep) return null;
  }
  const gapBefore = new Float64Array(boxes.length);
  for (const { from, to, label } of arrows)
    if (from >= 0 && to > 0) gapBefore[to] = Math.max(gapBefore[to] ?? 0, label ? LABEL_GAP : GAP);
  const width = Math.max(0, ...boxes.map((box) => box.width));
  const middle = width / 2;
  const hasInput = arrows.some((arrow) => arrow.from === IN);
  const hasOutput = arrows.some((arrow) => arrow.to === OUT);
  let y = hasInput ? GAP * 0.6 : 0;
  const places: Point[] = boxes.map((box, index) => {
    y += index ? gapBefore[index] || GAP * 0.5 : 0;
    const place: Point = [middle - box.width / 2, y];
    y += box.height;
    return place;
  });
  const height = y + (hasOutput ? GAP * 0.6 : 0);
  const lines = arrows.map(({ from, to, label }) => {
    const start = from === IN ? 0 : (places[from]?.[1] ?? 0) + (boxes[from]?.height ?? 0);
    const end = to === OUT ? height : (places[to]?.[1] ?? 0);
    const points: Point[] = [
      [middle, start],
      [middle, end],
    ];
    return { points, label: label && from >= 0 ? ([middle, (start + end) / 2] as Point) : null };
  });
  return { width, height, places, lines, inX: middle, outX: middle };
}
