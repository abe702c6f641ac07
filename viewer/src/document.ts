/** The page's data, as `specgraph.backends.view` writes it (docs/view.md). */

export interface TensorType {
  text: string;
  dims: (number | string)[];
  axes: string[];
  dtype: string;
}

export interface Kind {
  op: string;
  family: string;
  summary: string;
  formula: string;
  arguments: Record<string, unknown>;
  set: string[];
}

export interface Variant {
  kind: number;
  label: string;
  inputs: number[];
  output: number;
  parameters?: number;
  buffers?: number;
  multiply_adds?: number | string;
  activation_bytes?: number | string;
  tensors?: { name: string; shape: number[]; trainable: boolean; dtype: string }[];
  arithmetic?: { axis: string; text: string }[];
}

export interface FieldAxis {
  axis: string;
  size: number | null;
  stride?: number;
  advance?: number;
  lows?: number[];
  highs?: number[];
}

export interface GroupRow {
  path: string;
  kind: "root" | "block" | "chain" | "repeat" | "prefix" | "section";
  children: number[];
  block?: string;
  arguments?: Record<string, unknown>;
  runs?: [number, number, string][];
  span?: number;
}

export interface Changes {
  path: string;
  line: number;
  rows: [string, string][];
}

export interface Cure {
  applicability: "safe" | "unsafe" | "expect";
  help: string | null;
  changes: Changes;
}

export interface Diagnostic {
  code: string;
  rule: string;
  severity: "error" | "warning" | "info";
  message: string;
  path: string;
  line: number;
  column: number;
  node?: string;
  notes: string[];
  help?: string;
  cures?: Cure[];
}

export interface Change {
  kind: "added" | "removed" | "changed" | "renamed" | "rewired";
  old: string | null;
  new: string | null;
  what: string;
  details: string[];
  nodes: string[];
}

export interface Histogram {
  name: string;
  counts: number[];
  low: number;
  high: number;
  mean: number;
  std: number;
  zeros: number;
}

export interface Confusion {
  kind: "confusion";
  title: string;
  what: string;
  names: string[];
  columns: string[];
  cells: [number, number, number][]; // true, given, how often
  worst: [number, number][];
}

export interface Pictures {
  kind: "pictures";
  title: string;
  parts: string[];
  colours: { name: string; colour: string }[];
  pictures: { caption: string; position: number; images: string[] }[];
}

export interface Scatter {
  kind: "scatter";
  title: string;
  x: string;
  y: string;
  num_points: number;
  panels: { name: string; points: [number, number][] }[];
}

export interface Lines {
  kind: "lines";
  title: string;
  x: string;
  y: string;
  lines: { name: string; points: [number, number][] }[];
}

export type Exhibit = Confusion | Pictures | Scatter | Lines;

export interface Table {
  title: string;
  columns: string[];
  rows: string[][];
  best?: number;
}

export interface Judged {
  split: string;
  about: string;
  exhibits: Exhibit[];
}

export interface RunReport extends Judged {
  tiles: [string, string][]; // value, what it is
  others: string;
  remarks: string[];
  tables: Table[];
  epochs: Table;
  recipe: string;
}

export interface RunData {
  folder: string;
  curves: Record<string, (number | null)[]>;
  result: Record<string, unknown>;
  environment: Record<string, string>;
  has_weights: boolean;
  finished: boolean;
  weights?: Record<string, Histogram[]>; // of a frozen page
  report?: RunReport;
}

export interface ViewDocument {
  version: number;
  name: string;
  description: string;
  inputs: { name: string; type: number }[];
  outputs: { name: string; node: number }[];
  totals: Record<string, number | string | null> | null;
  nodes: {
    path: string[];
    variant: number[];
    inputs: number[][];
    field: number[];
    span: number[];
    flags: number[];
    shares: [number, string][];
  };
  groups: GroupRow[];
  types: TensorType[];
  kinds: Kind[];
  variants: Variant[];
  fields: FieldAxis[][];
  files: string[];
  spans: [number, number, number, number, number][];
  diagnostics: Diagnostic[];
  // what the session adds
  title?: string;
  subject?: "spec" | "run" | "onnx";
  revision?: number;
  read_only?: boolean;
  fields_on_demand?: boolean;
  stale?: boolean;
  paths?: string[];
  notes?: string[];
  editor?: boolean;
  run?: RunData;
  other?: ViewDocument;
  difference?: { changes: Change[]; shape_only: string[] };
}

export const TRAIN_ONLY = 1;
export const UNFINISHED = 2;
