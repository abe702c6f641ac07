/** What a task shows of a set of images: confusions, images side by side, scatters, lines. */

import { h, s } from "./dom";
import type { Confusion, Exhibit, Lines, Pictures, Scatter } from "./document";
import { cut, whole } from "./format";
import type { Theme } from "./theme";
import { mix } from "./theme";

const MOST_NAMED = 30; // classes whose names stand at the matrix
const MOST_COUNTED = 15; // classes whose counts stand in it
const MOST_DRAWN = 90; // classes beyond which a canvas draws it
const COLOURS = ["#4c72b0", "#dd8452", "#55a868", "#c44e52", "#8172b3", "#937860", "#da8bc3", "#8c8c8c", "#ccb974", "#64b5cd"];

/** One exhibit with its title. */
export function drawExhibit(exhibit: Exhibit, theme: Theme): HTMLElement {
  return h("section", { class: `exhibit of-${exhibit.kind}`, "aria-label": exhibit.title }, h("h3", {}, exhibit.title), ...content(exhibit, theme));
}

function content(exhibit: Exhibit, theme: Theme): Node[] {
  switch (exhibit.kind) {
    case "confusion":
      return drawConfusion(exhibit, theme);
    case "pictures":
      return drawPictures(exhibit);
    case "scatter":
      return [h("div", { class: "plots" }, ...exhibit.panels.map((panel) => drawScatter(exhibit, panel, theme)))];
    case "lines":
      return [drawLines(exhibit, theme)];
  }
}

// confusion -----------------------------------------------------------------------------------

function drawConfusion(exhibit: Confusion, theme: Theme): Node[] {
  const { names, columns, cells, worst, what } = exhibit;
  const of = new Map(cells.map(([row, column, count]) => [`${row} ${column}`, count]));
  const totals = new Map<number, number>();
  for (const [row, , count] of cells) totals.set(row, (totals.get(row) ?? 0) + count);
  const share = (row: number, count: number): number => count / Math.max(totals.get(row) ?? 1, 1);
  const colour = (part: number): string => mix(theme.background, theme.accent, part);
  const label = `${exhibit.title}: rows are true classes, columns what they are taken for`;
  const matrix = names.length > MOST_DRAWN ? onCanvas(exhibit, share, colour, label) : asSvg(exhibit, share, colour, theme, label);
  if (!worst.length) return [matrix, h("p", {}, "No mistake at all.")];
  const rows = worst.map(([row, column]) =>
    h("tr", {}, h("td", {}, names[row] ?? `#${row}`), h("td", {}, columns[column] ?? `#${column}`), h("td", {}, whole(of.get(`${row} ${column}`) ?? 0))),
  );
  const head = h("tr", {}, ...["true class", "taken for", what].map((title) => h("th", { scope: "col" }, title)));
  return [matrix, h("p", {}, "Most frequent mistakes:"), h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "most frequent mistakes" }, h("table", {}, h("thead", {}, head), h("tbody", {}, ...rows)))];
}

type ShareOf = (row: number, count: number) => number;

function asSvg({ names, columns, cells }: Confusion, share: ShareOf, colour: (part: number) => string, theme: Theme, label: string): SVGSVGElement {
  const isNamed = names.length <= MOST_NAMED;
  const size = Math.max(Math.min(Math.round(420 / Math.max(names.length, 1)), 44), 5);
  const longest = Math.max(...columns.map((name) => Math.min(name.length, 18)), 1);
  const isWide = longest * 6.4 > size; // names that do not fit above their columns stand upright
  const left = isNamed ? longest * 6.4 + 26 : 26;
  const foot = isNamed ? (isWide ? longest * 5 + 16 : 20) : 4;
  const width = left + columns.length * size + (isWide ? 16 : 2);
  const height = names.length * size + foot + 20;
  const small = { "font-size": 11, fill: theme.faint };
  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "matrix" });
  svg.append(s("rect", { x: left, y: 0, width: columns.length * size, height: names.length * size, fill: colour(0), stroke: theme.frameLine }));
  for (const [row, column, count] of cells) {
    const part = share(row, count);
    const [x, y] = [left + column * size, row * size];
    svg.append(s("rect", { x, y, width: size, height: size, fill: colour(part) }, s("title", {}, `${names[row]} taken for ${columns[column]}: ${whole(count)}`)));
    if (columns.length <= MOST_COUNTED)
      svg.append(s("text", { x: x + size / 2, y: y + size / 2 + 4, "text-anchor": "middle", "font-size": 10, fill: part > 0.5 ? theme.background : theme.text }, brief(count)));
  }
  if (isNamed) {
    names.forEach((name, row) => svg.append(s("text", { x: left - 5, y: row * size + size / 2 + 4, "text-anchor": "end", ...small }, cut(name, 18))));
    columns.forEach((name, column) => {
      const [x, y] = [left + column * size + size / 2, names.length * size + 13];
      const turned = isWide ? { transform: `rotate(-50 ${x} ${y})`, "text-anchor": "end" } : { "text-anchor": "middle" };
      svg.append(s("text", { x, y, ...turned, ...small }, cut(name, 18)));
    });
  }
  const middle = (names.length * size) / 2;
  svg.append(s("text", { x: 11, y: middle, transform: `rotate(-90 11 ${middle})`, "text-anchor": "middle", ...small }, "true class"));
  svg.append(s("text", { x: left + (columns.length * size) / 2, y: height - 5, "text-anchor": "middle", ...small }, "predicted"));
  return svg;
}

function onCanvas({ names, columns, cells }: Confusion, share: ShareOf, colour: (part: number) => string, label: string): HTMLCanvasElement {
  const size = Math.max(Math.floor(480 / names.length), 1);
  const canvas = h("canvas", { width: columns.length * size, height: names.length * size, role: "img", "aria-label": label, class: "matrix" });
  const context = canvas.getContext("2d");
  if (context) {
    context.fillStyle = colour(0);
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const [row, column, count] of cells) {
      context.fillStyle = colour(0.15 + 0.85 * share(row, count));
      context.fillRect(column * size, row * size, size, size);
    }
  }
  return canvas;
}

/** A count in at most four letters: 950, 12k, 3.4M. */
function brief(count: number): string {
  for (const [unit, size] of [["M", 1e6], ["k", 1e3]] as const) if (count >= size) return `${count >= 10 * size ? Math.round(count / size) : (count / size).toFixed(1)}${unit}`;
  return String(count);
}

// images --------------------------------------------------------------------------------------

function drawPictures({ parts, colours, pictures }: Pictures): Node[] {
  const legend = colours.map(({ name, colour }) => h("span", {}, colour ? h("i", { style: `background: ${/^#[0-9a-f]{6}$/.test(colour) ? colour : "none"}` }) : null, name));
  const figures = pictures.map(({ caption, images }) =>
    h("figure", {}, h("div", {}, ...images.map((address, place) => picture(address, parts[place] ? `${parts[place]}, ${caption}` : caption))), h("figcaption", {}, caption)),
  );
  return [
    ...(parts.length ? [h("p", { class: "parts" }, parts.join(", "))] : []),
    ...(legend.length ? [h("div", { class: "legend" }, ...legend)] : []),
    h("div", { class: parts.length > 1 ? "pictures wide" : "pictures" }, ...figures),
  ];
}

/** An image of the page's own data; nothing else has an address. */
export function picture(address: string, alt: string): HTMLElement {
  return address.startsWith("data:image/") ? h("img", { src: address, alt, title: alt }) : h("span", {}, alt);
}

// plots ---------------------------------------------------------------------------------------

const PLOT = { width: 270, height: 240, left: 44, right: 10, top: 10, bottom: 34 };

interface Frame {
  svg: SVGSVGElement;
  x: (value: number) => number;
  y: (value: number) => number;
}

/** A plot with its axes; the ranges are [least, most]. */
function frame(xs: [number, number], ys: [number, number], names: [string, string], theme: Theme, label: string): Frame {
  const { width, height, left, right, top, bottom } = PLOT;
  const svg = s("svg", { width, height, viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label });
  const span = ([low, high]: [number, number]): number => (high > low ? high - low : 1);
  const x = (value: number): number => left + ((value - xs[0]) / span(xs)) * (width - left - right);
  const y = (value: number): number => height - bottom - ((value - ys[0]) / span(ys)) * (height - top - bottom);
  const small = { "font-size": 10, fill: theme.faint };
  for (const part of [0, 0.25, 0.5, 0.75, 1]) {
    const [across, up] = [xs[0] + part * span(xs), ys[0] + part * span(ys)];
    svg.append(s("path", { d: `M${x(across)} ${top}V${height - bottom}M${left} ${y(up)}H${width - right}`, stroke: theme.frameLine, "stroke-width": 0.5, fill: "none" }));
    if (part === 0.25 || part === 0.75) continue;
    svg.append(s("text", { x: x(across), y: height - bottom + 13, "text-anchor": part === 1 ? "end" : "middle", ...small }, figure(across)));
    svg.append(s("text", { x: left - 4, y: y(up) + (part ? 4 : -1), "text-anchor": "end", ...small }, figure(up)));
  }
  const middle = (height - bottom) / 2;
  svg.append(s("text", { x: (left + width) / 2, y: height - 5, "text-anchor": "middle", ...small }, names[0]));
  svg.append(s("text", { x: 10, y: middle, transform: `rotate(-90 10 ${middle})`, "text-anchor": "middle", ...small }, names[1]));
  return { svg, x, y };
}

function figure(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function drawScatter(exhibit: Scatter, panel: Scatter["panels"][number], theme: Theme): HTMLElement {
  const values = panel.points.flat();
  const range: [number, number] = [Math.min(...values), Math.max(...values)];
  const label = `${panel.name}: ${exhibit.y} against ${exhibit.x}, ${whole(exhibit.num_points)} images`;
  const { svg, x, y } = frame(range, range, [exhibit.x, exhibit.y], theme, label);
  svg.append(s("path", { d: `M${x(range[0])} ${y(range[0])}L${x(range[1])} ${y(range[1])}`, stroke: theme.line, fill: "none" }));
  for (const [a, b] of panel.points) svg.append(s("circle", { cx: x(a), cy: y(b), r: 2.4, fill: theme.accent, "fill-opacity": 0.5 }));
  return h("figure", {}, h("figcaption", {}, panel.name), svg);
}

function drawLines({ title, x: across, y: up, lines }: Lines, theme: Theme): HTMLElement {
  const { svg, x, y } = frame([0, 1], [0, 1], [across, up], theme, `${title}: ${lines.map((line) => line.name).join(", ")}`);
  lines.forEach(({ points }, index) => {
    let d = "";
    points.forEach(([a, b], place) => (d += place ? `H${x(a).toFixed(1)}V${y(b).toFixed(1)}` : `M${x(a).toFixed(1)} ${y(b).toFixed(1)}`));
    svg.append(s("path", { d, fill: "none", stroke: COLOURS[index % COLOURS.length], "stroke-width": 1.6 }));
  });
  const legend = lines.slice(0, 15).map(({ name }, index) => h("span", {}, h("i", { style: `background: ${COLOURS[index % COLOURS.length]}` }), name));
  return h("figure", {}, svg, h("div", { class: "legend" }, ...legend));
}
