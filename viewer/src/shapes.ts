/** The SVG of one thing: a box, a frame, an arrow. */

import { s } from "./dom";
import { cut, short } from "./format";
import type { Item } from "./items";
import type { Marks } from "./marks";
import type { Network } from "./network";
import type { Line, Placed } from "./scene";
import { FRAME_HEADER } from "./scene";
import type { Theme } from "./theme";

export const FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
const CHARACTER = 6.8; // about, at 12 px
const BOLD = 7.6;
const SMALL = 6.1; // at 10.5 px

export function familyOf(network: Network, item: Item): string {
  if (item.kind === "input" || item.kind === "output") return "input";
  return item.kind === "group" ? "block" : network.kind(item.child).family;
}

function text(x: number, y: number, content: string, fill: string, more: Record<string, string | number> = {}): SVGTextElement {
  return s("text", { x, y, fill, "font-family": FONT, "font-size": 12, ...more }, content);
}

export interface Look {
  network: Network;
  marks: Marks;
  theme: Theme;
}

/** What the second line of a folded block says. */
export function summaryOf(network: Network, item: Item): string {
  const parts: string[] = [];
  const row = item.child < 0 ? network.data.groups[-1 - item.child] : undefined;
  if (row?.block) parts.push(row.block.replaceAll("_", " "));
  if (item.varies) parts.push(item.varies);
  const parameters = network.sum(item.low, item.high, "parameters");
  if (parameters) parts.push(`${short(parameters)} params`);
  if (!row?.block && item.kind === "group") parts.unshift(`${item.high - item.low} nodes`);
  return parts.join(" · ");
}

function stroke(look: Look, item: Item, usual: string): { colour: string; width: number } {
  const { marks, theme } = look;
  if (marks.selected === item.path) return { colour: theme.accent, width: 2.5 };
  const severity = item.isOpen ? null : marks.severity(item);
  if (severity) return { colour: theme[severity], width: 2 };
  const difference = marks.difference(item);
  if (difference && !(item.isOpen && difference === "changed")) return { colour: theme[difference], width: 2 };
  return { colour: usual, width: 1 };
}

/** A node, a folded block, an input or an output; its left upper corner is the origin. */
export function drawBox(look: Look, placed: Placed): SVGGElement {
  const { network, marks, theme } = look;
  const { item, width, height } = placed;
  const [fill, edge] = theme.families[familyOf(network, item)] ?? theme.families.shape!;
  const { colour, width: thickness } = stroke(look, item, edge);
  const isEnd = item.kind === "input" || item.kind === "output";
  const isUnknown = item.kind === "node" && network.isUnfinished(item.child);
  const dash = isUnknown || (item.kind === "node" && network.isTrainOnly(item.child)) ? "5 3" : undefined;
  const heat = marks.heatColour(item, theme);
  const box = s("g", {});
  box.append(s("title", {}, titleOf(network, item)));
  if (item.times > 1)
    box.append(s("rect", { x: 4, y: 4, width, height, rx: 6, fill, stroke: edge, "stroke-opacity": 0.5 }));
  box.append(
    s("rect", {
      width, height, rx: isEnd ? height / 2 : 5, fill: heat ?? (isUnknown ? theme.background : fill),
      stroke: colour, "stroke-width": thickness, "stroke-dasharray": dash,
    }),
  ); // prettier-ignore
  const room = Math.floor((width - 24) / CHARACTER);
  if (isEnd) {
    const shape = network.shape(item.child);
    const label = cut([item.title, shape].filter(Boolean).join("  "), room + 2);
    box.append(text(width / 2, 17, label, theme.text, { "text-anchor": "middle" }));
  } else if (item.kind === "node" && item.times === 1) {
    const label = cut(network.variant(item.child).label, room);
    const title = cut(item.title, Math.floor((width - 26 - label.length * CHARACTER) / SMALL));
    box.append(text(10, 17, label, theme.text));
    if (title) box.append(text(width - 10, 17, title, theme.faint, { "text-anchor": "end", "font-size": 10.5 }));
  } else folded(box, look, item, width);
  mark(box, look, item, width);
  return box;
}

function folded(box: SVGGElement, { network, theme }: Look, item: Item, width: number): void {
  const times = item.times > 1 ? ` ×${item.times}` : "";
  const isGroup = item.kind === "group";
  if (isGroup) box.append(chevron(theme, false));
  const left = isGroup ? 24 : 10;
  const main = isGroup ? item.title : network.variant(item.child).label;
  box.append(text(left, 18, cut(main, Math.floor((width - left - 10) / BOLD) - times.length) + times, theme.text, { "font-weight": 600 }));
  const below = isGroup ? summaryOf(network, item) : [item.title, item.varies].filter(Boolean).join(" · ");
  box.append(text(left, 35, cut(below, Math.floor((width - left - 8) / SMALL)), theme.faint, { "font-size": 10.5 }));
}

function chevron(theme: Theme, isOpen: boolean): SVGPathElement {
  const d = isOpen ? "M9 11 l4 5 l4 -5" : "M10 9 l5 4 l-5 4";
  return s("path", { d, fill: "none", stroke: theme.faint, "stroke-width": 1.8, "data-toggle": true });
}

function mark(box: SVGGElement, { marks, theme }: Look, item: Item, width: number): void {
  const severity = marks.severity(item);
  const difference = marks.difference(item);
  const [colour, sign] = severity
    ? [theme[severity], severity === "info" ? "i" : "!"]
    : difference
      ? [theme[difference], difference === "added" ? "+" : difference === "removed" ? "−" : "~"]
      : ["", ""];
  if (!sign) return;
  box.append(s("circle", { cx: width - 2, cy: 2, r: 8, fill: colour }));
  box.append(text(width - 2, 6, sign, theme.background, { "text-anchor": "middle", "font-weight": 700 }));
}

/** The frame around an open group. */
export function drawFrame(look: Look, placed: Placed): SVGGElement {
  const { network, theme } = look;
  const { item, width, height } = placed;
  const fill = theme.frame[Math.min(item.depth - 1, theme.frame.length - 1)]!;
  const { colour, width: thickness } = stroke(look, item, theme.frameLine);
  const frame = s("g", {}, s("title", {}, titleOf(network, item)));
  frame.append(s("rect", { width, height, rx: 8, fill, stroke: colour, "stroke-width": thickness }), chevron(theme, true));
  const times = item.times > 1 ? ` ×${item.times}` : "";
  const title = cut(item.title, Math.floor((width - 40) / BOLD) - times.length) + times;
  const left = Math.floor((width - 52 - title.length * BOLD) / SMALL);
  const more = cut([item.varies, summaryOf(network, item)].filter(Boolean)[0] ?? "", left);
  const label = text(24, 18, title, theme.text, { "font-weight": 600 });
  if (more) label.append(s("tspan", { fill: theme.faint, "font-weight": 400, "font-size": 10.5, dx: 8 }, more));
  frame.append(label);
  frame.setAttribute("data-header", String(FRAME_HEADER));
  return frame;
}

function titleOf(network: Network, item: Item): string {
  if (item.kind !== "node") return item.times > 1 ? `${item.path} ×${item.times}` : item.path;
  return `${item.path}: ${network.variant(item.child).label}${network.shape(item.child) ? ` → ${network.shape(item.child)}` : ""}`;
}

/** An arrow with the shape that flows along it. */
export function drawLine({ theme }: Look, line: Line, dx: number, dy: number, ends: boolean): SVGGElement {
  const points = line.points.map(([x, y]): [number, number] => [x + dx, y + dy]);
  const first = points[0]!;
  const last = points[points.length - 1]!;
  let d = `M${first.map(round).join(" ")}`;
  if (points.length === 2) d += `L${last.map(round).join(" ")}`;
  else
    for (let index = 1; index < points.length; index++) {
      const [x, y] = points[index]!;
      if (index === points.length - 1) d += `L${round(x)} ${round(y)}`;
      else {
        const [nextX, nextY] = points[index + 1]!;
        const isLast = index === points.length - 2;
        const [endX, endY] = isLast ? [x + (nextX - x) * 0.5, y + (nextY - y) * 0.5] : [(x + nextX) / 2, (y + nextY) / 2];
        d += `Q${round(x)} ${round(y)} ${round(endX)} ${round(endY)}`;
      }
    }
  const dash = line.trainOnly ? "5 3" : undefined;
  const group = s("g", {});
  group.append(s("path", { d, fill: "none", stroke: theme.line, "stroke-width": 1.3, "stroke-dasharray": dash }));
  if (ends) {
    const before = points[points.length - 2]!;
    const angle = Math.atan2(last[1] - before[1], last[0] - before[0]);
    const wing = (turn: number): string =>
      `${round(last[0] - 7 * Math.cos(angle + turn))} ${round(last[1] - 7 * Math.sin(angle + turn))}`;
    group.append(s("path", { d: `M${last.map(round).join(" ")}L${wing(0.45)}L${wing(-0.45)}Z`, fill: theme.line }));
  }
  if (line.label && line.labelAt) {
    const [x, y] = [line.labelAt[0] + dx, line.labelAt[1] + dy];
    const width = line.label.length * 6.1 + 8;
    group.append(s("rect", { x: x - width / 2, y: y - 8, width, height: 15, rx: 3, fill: theme.background, "fill-opacity": 0.86 }));
    group.append(text(x, y + 3.5, line.label, theme.faint, { "text-anchor": "middle", "font-size": 10.5 }));
  }
  return group;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
