/** The receptive field of the unit in the middle of a map, on a picture of the input. */

import { s } from "./dom";
import type { Network } from "./network";
import type { Theme } from "./theme";

const SIDE = 150;

/** First and last input position that the middle unit along an axis sees; null for the whole input. */
function seen(network: Network, node: number, axis: string): [number, number] | null {
  const field = network.data.fields[network.data.nodes.field[node] ?? -1]?.find((each) => each.axis === axis);
  if (!field || field.size === null || !field.lows || !field.highs) return null;
  const type = network.data.types[network.variant(node).output];
  const size = type?.dims[type.axes.indexOf(axis)];
  const unit = typeof size === "number" ? Math.floor((size - 1) / 2) : 0;
  const period = field.lows.length;
  const turns = Math.floor(unit / period) * (field.advance ?? 1);
  return [field.lows[unit % period]! + turns, field.highs[unit % period]! + turns];
}

export function fieldText(network: Network, node: number): string {
  const field = network.data.fields[network.data.nodes.field[node] ?? -1];
  if (!field?.length) return "";
  if (field.every((axis) => axis.size === null)) return "the whole input";
  return field.map((axis) => axis.size ?? "all").join("×");
}

/** The drawing; null where no input of two axes is known. */
export function drawField(network: Network, node: number, theme: Theme): SVGSVGElement | null {
  const input = network.data.inputs.map((each) => network.data.types[each.type]).find((type) => type?.axes.includes("W"));
  const row = network.data.nodes.field[node] ?? -1;
  if (!input || row < 0 || !network.data.fields[row]?.length) return null;
  const size = (axis: string): number => {
    const dim = input.dims[input.axes.indexOf(axis)];
    return typeof dim === "number" ? dim : 224;
  };
  const [height, width] = [size("H"), size("W")];
  const range = (axis: string, all: number): [number, number] => seen(network, node, axis) ?? [0, all - 1];
  const [left, right] = range("W", width);
  const [top, bottom] = range("H", height);
  const [x0, x1] = [Math.min(0, left), Math.max(width, right + 1)];
  const [y0, y1] = [Math.min(0, top), Math.max(height, bottom + 1)];
  const scale = SIDE / Math.max(x1 - x0, y1 - y0);
  const rect = (x: number, y: number, w: number, h: number, more: Record<string, string | number>): SVGRectElement =>
    s("rect", { x: (x - x0) * scale, y: (y - y0) * scale, width: Math.max(w * scale, 1), height: Math.max(h * scale, 1), ...more });
  const label = `the middle unit sees ${right - left + 1}×${bottom - top + 1} of ${width}×${height}`;
  return s(
    "svg",
    { width: (x1 - x0) * scale + 2, height: (y1 - y0) * scale + 2, viewBox: `-1 -1 ${(x1 - x0) * scale + 2} ${(y1 - y0) * scale + 2}`, role: "img", "aria-label": label, class: "field" },
    rect(0, 0, width, height, { fill: theme.families.input![0], stroke: theme.families.input![1] }),
    rect(left, top, right - left + 1, bottom - top + 1, { fill: theme.accent, "fill-opacity": 0.3, stroke: theme.accent, "stroke-width": 1.5 }),
    s("title", {}, label),
  );
}
