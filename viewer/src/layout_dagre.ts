/** One scope by dagre, straight from what comes in to what goes out. */

import dagre from "@dagrejs/dagre";
import type { Point, Problem, Solution } from "./layout_types";
import { IN, LABEL_HEIGHT, OUT } from "./layout_types";

const LARGE = 1500; // boxes beyond which ranks are found quickly rather than tightly

export function layoutDagre({ boxes, arrows }: Problem): Solution {
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({
    rankdir: "TB", nodesep: 26, ranksep: 26, edgesep: 16, marginx: 0, marginy: 0,
    ranker: boxes.length > LARGE ? "longest-path" : "network-simplex",
  }); // prettier-ignore
  boxes.forEach((box, index) => graph.setNode(String(index), { ...box }));
  if (arrows.some((arrow) => arrow.from === IN)) graph.setNode(String(IN), { width: 1, height: 1 });
  if (arrows.some((arrow) => arrow.to === OUT)) graph.setNode(String(OUT), { width: 1, height: 1 });
  arrows.forEach(({ from, to, label }, index) => {
    const size = label ? { width: label, height: LABEL_HEIGHT, labelpos: "c" as const } : {};
    const isMain = from === IN ? to === 0 : to === OUT ? from === boxes.length - 1 : to === from + 1;
    const weight = isMain ? 8 : 1; // the order of the file stays straight, what passes by goes round
    graph.setEdge(String(from), String(to), { ...size, weight, minlen: 1 }, String(index));
  });
  dagre.layout(graph);
  const at = (index: number): { x: number; y: number } => graph.node(String(index)) as { x: number; y: number };
  const places: Point[] = boxes.map((box, index) => [at(index).x - box.width / 2, at(index).y - box.height / 2]);
  const lines = arrows.map(({ from, to, label }, index) => {
    const edge = graph.edge(String(from), String(to), String(index)) as {
      points: { x: number; y: number }[];
      x?: number;
      y?: number;
    };
    const points = edge.points.map(({ x, y }): Point => [x, y]);
    return { points, label: label && edge.x !== undefined && edge.y !== undefined ? ([edge.x, edge.y] as Point) : null };
  });
  return bounded(boxes, places, lines, graph.hasNode(String(IN)) ? at(IN) : null, graph.hasNode(String(OUT)) ? at(OUT) : null);
}

function bounded(
  boxes: Problem["boxes"],
  places: Point[],
  lines: Solution["lines"],
  entry: { x: number; y: number } | null,
  exit: { x: number; y: number } | null,
): Solution {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  const cover = (x: number, y: number): void => {
    [left, top, right, bottom] = [Math.min(left, x), Math.min(top, y), Math.max(right, x), Math.max(bottom, y)];
  };
  places.forEach(([x, y], index) => {
    cover(x, y);
    cover(x + boxes[index]!.width, y + boxes[index]!.height);
  });
  for (const line of lines) for (const [x, y] of line.points) cover(x, y);
  for (const point of [entry, exit]) if (point) cover(point.x, point.y);
  for (const place of places) [place[0], place[1]] = [place[0] - left, place[1] - top];
  for (const line of lines) {
    line.points = line.points.map(([x, y]): Point => [x - left, y - top]);
    if (line.label) line.label = [line.label[0] - left, line.label[1] - top];
  }
  const middle = entry ? entry.x - left : exit ? exit.x - left : (right - left) / 2;
  const half = Math.max(middle, right - left - middle); // as wide to both sides of what comes in
  const shift = half - middle;
  for (const place of places) place[0] += shift;
  for (const line of lines) {
    line.points = line.points.map(([x, y]): Point => [x + shift, y]);
    if (line.label) line.label[0] += shift;
  }
  return {
    width: 2 * half, height: bottom - top, places, lines,
    inX: half, outX: exit ? exit.x - left + shift : half,
  }; // prettier-ignore
}
