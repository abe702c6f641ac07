/** A histogram as a picture. */

import { s } from "./dom";
import type { Theme } from "./theme";

/** A histogram as an image of text: how many values lie in each of equal steps. */
export function drawHistogram(counts: number[], low: number, high: number, theme: Theme, label: string): SVGSVGElement {
  const most = Math.max(...counts, 1);
  const width = 240 / counts.length;
  return s(
    "svg",
    { width: 244, height: 74, viewBox: "0 0 244 74", role: "img", "aria-label": `${label}: from ${low.toPrecision(3)} to ${high.toPrecision(3)}` },
    ...counts.map((count, index) => s("rect", { x: 2 + index * width, y: 58 - (count / most) * 56, width: Math.max(width - 0.5, 0.5), height: (count / most) * 56, fill: theme.accent })),
    s("text", { x: 2, y: 70, fill: theme.faint, "font-size": 10 }, low.toPrecision(3)),
    s("text", { x: 242, y: 70, fill: theme.faint, "font-size": 10, "text-anchor": "end" }, high.toPrecision(3)),
  );
}
