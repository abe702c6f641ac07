/** A scope to lay out: boxes and the arrows between them. `IN` and `OUT` are its own edge. */

export const IN = -1;
export const OUT = -2;

export interface Box {
  width: number;
  height: number;
}

export interface Arrow {
  from: number; // a box, or IN
  to: number; // a box, or OUT
  label: number; // width of its label, 0 without one
}

export interface Problem {
  boxes: Box[];
  arrows: Arrow[];
}

export type Point = [number, number];

export interface Solution {
  width: number;
  height: number;
  places: Point[]; // left upper corners
  lines: { points: Point[]; label: Point | null }[]; // by arrow
  inX: number; // where values come in at the upper edge, and leave at the lower one
  outX: number;
}

export const GAP = 30;
export const LABEL_GAP = 44;
export const LABEL_HEIGHT = 16;
