/** A network with the questions that the page asks of it. Nodes are numbered in the order of the tree: a group is
 * an interval of numbers, so that sums over a group are differences of running sums. */

import type { Diagnostic, Kind, Variant, ViewDocument } from "./document";
import { TRAIN_ONLY, UNFINISHED } from "./document";

export type Metric = "parameters" | "multiply_adds" | "activation_bytes" | "time";
export const METRICS: Metric[] = ["parameters", "multiply_adds", "activation_bytes"];
const RANK = { error: 3, warning: 2, info: 1 };
export type Severity = "error" | "warning" | "info";

export class Network {
  readonly size: number;
  readonly parent: Int32Array; // group of every node
  readonly groupParent: Int32Array;
  readonly low: Int32Array; // of every group
  readonly high: Int32Array;
  readonly nodeOf = new Map<string, number>();
  readonly groupOf = new Map<string, number>();
  readonly readers: number[][];
  readonly lastReader: Int32Array;
  readonly groupReads: number[][];
  readonly diagnosticsOf = new Map<number, Diagnostic[]>();
  private readonly sums = new Map<Metric, Float64Array>();
  private readonly severities: Uint8Array;
  private readonly worst: Uint8Array;
  times: Map<string, number> | null = null;

  constructor(readonly data: ViewDocument) {
    const { nodes, groups } = data;
    this.size = nodes.path.length;
    this.parent = new Int32Array(this.size);
    this.groupParent = new Int32Array(groups.length).fill(-1);
    this.low = new Int32Array(groups.length);
    this.high = new Int32Array(groups.length);
    nodes.path.forEach((path, index) => this.nodeOf.set(path, index));
    groups.forEach((group, index) => {
      this.groupOf.set(group.path, index);
      for (const child of group.children) {
        if (child < 0) this.groupParent[-1 - child] = index;
        else this.parent[child] = index;
      }
    });
    this.readers = nodes.path.map(() => []);
    this.lastReader = new Int32Array(this.size).fill(-1);
    nodes.inputs.forEach((sources, reader) => {
      for (const source of sources) {
        if (source < 0) continue;
        this.readers[source]?.push(reader);
        this.lastReader[source] = Math.max(this.lastReader[source] ?? -1, reader);
      }
    });
    for (const output of data.outputs) if (output.node >= 0) this.lastReader[output.node] = this.size;
    this.groupReads = groups.map(() => []);
    for (let index = groups.length - 1; index >= 0; index--) this.measure(index);
    this.severities = new Uint8Array(this.size);
    for (const diagnostic of data.diagnostics) this.attach(diagnostic);
    this.worst = new Uint8Array(groups.length);
    this.severities.forEach((rank, node) => {
      if (rank) this.raise(this.parent[node] ?? -1, rank);
    });
  }

  private measure(index: number): void {
    const children = this.data.groups[index]?.children ?? [];
    const first = children[0] ?? 0;
    const last = children[children.length - 1] ?? 0;
    this.low[index] = first < 0 ? (this.low[-1 - first] ?? 0) : first;
    this.high[index] = last < 0 ? (this.high[-1 - last] ?? 0) : last + 1;
    const reads = new Set<number>();
    for (const child of children)
      for (const source of this.readsOf(child))
        if (source < (this.low[index] ?? 0) || source >= (this.high[index] ?? 0)) reads.add(source);
    this.groupReads[index] = [...reads];
  }

  private attach(diagnostic: Diagnostic): void {
    if (diagnostic.node === undefined) return;
    let node = this.nodeOf.get(diagnostic.node);
    const group = this.groupOf.get(diagnostic.node);
    if (node === undefined && group !== undefined) node = (this.high[group] ?? 1) - 1;
    if (node === undefined) return;
    const known = this.diagnosticsOf.get(node);
    if (known) known.push(diagnostic);
    else this.diagnosticsOf.set(node, [diagnostic]);
    this.severities[node] = Math.max(this.severities[node] ?? 0, RANK[diagnostic.severity]);
  }

  private raise(group: number, rank: number): void {
    for (let at = group; at >= 0 && (this.worst[at] ?? 0) < rank; at = this.groupParent[at] ?? -1) this.worst[at] = rank;
  }

  /** What a child (a node, or `-1 - group`) reads from outside; graph inputs are below 0. */
  readsOf(child: number): number[] {
    return child < 0 ? (this.groupReads[-1 - child] ?? []) : (this.data.nodes.inputs[child] ?? []);
  }

  lowOf(child: number): number {
    return child < 0 ? (this.low[-1 - child] ?? 0) : child;
  }

  highOf(child: number): number {
    return child < 0 ? (this.high[-1 - child] ?? 0) : child + 1;
  }

  path(node: number): string {
    return this.data.nodes.path[node] ?? "";
  }

  variant(node: number): Variant {
    return this.data.variants[this.data.nodes.variant[node] ?? 0] as Variant;
  }

  kind(node: number): Kind {
    return this.data.kinds[this.variant(node).kind] as Kind;
  }

  /** The shape that a node, or a graph input (below 0), gives. */
  shape(node: number): string {
    const row = node < 0 ? this.data.inputs[-1 - node]?.type : this.variant(node).output;
    return row === undefined || row < 0 ? "" : (this.data.types[row]?.text ?? "");
  }

  isUnfinished(node: number): boolean {
    return ((this.data.nodes.flags[node] ?? 0) & UNFINISHED) > 0;
  }

  isTrainOnly(node: number): boolean {
    return ((this.data.nodes.flags[node] ?? 0) & TRAIN_ONLY) > 0;
  }

  value(node: number, metric: Metric): number {
    if (metric === "time") return this.times?.get(this.path(node)) ?? 0;
    const found = this.variant(node)[metric];
    return typeof found === "number" ? found : 0;
  }

  /** A figure summed over the nodes from `low` up to `high`. */
  sum(low: number, high: number, metric: Metric): number {
    let sums = this.sums.get(metric);
    if (!sums) {
      sums = new Float64Array(this.size + 1);
      for (let node = 0; node < this.size; node++) sums[node + 1] = (sums[node] ?? 0) + this.value(node, metric);
      this.sums.set(metric, sums);
    }
    return (sums[high] ?? 0) - (sums[low] ?? 0);
  }

  setTimes(times: Map<string, number>): void {
    this.times = times;
    this.sums.delete("time");
  }

  total(metric: Metric): number {
    return this.sum(0, this.size, metric);
  }

  severityOf(node: number): Severity | null {
    return name(this.severities[node] ?? 0);
  }

  worstOf(group: number): Severity | null {
    return name(this.worst[group] ?? 0);
  }

  /** The place of a node, or of a group, in its file. */
  place(child: number): { file: string; absolute: string; line: number; column: number } | null {
    const row = child < 0 ? this.data.groups[-1 - child]?.span : this.data.nodes.span[child];
    const span = row === undefined || row < 0 ? undefined : this.data.spans[row];
    if (!span) return null;
    const [file, line, column] = span;
    return { file: this.data.files[file] ?? "", absolute: this.data.paths?.[file] ?? "", line, column };
  }

  /** Nodes on a way from a node to the inputs and to the outputs, itself included. */
  wayThrough(low: number, high: number): Set<number> {
    const found = new Set<number>();
    for (const back of [true, false]) {
      const waiting: number[] = [];
      for (let node = low; node < high; node++) waiting.push(node);
      const seen = new Set(waiting);
      while (waiting.length) {
        const node = waiting.pop() as number;
        found.add(node);
        if (node < 0) continue;
        const next = back ? (this.data.nodes.inputs[node] ?? []) : (this.readers[node] ?? []);
        for (const other of next)
          if (!seen.has(other)) {
            seen.add(other);
            waiting.push(other);
          }
      }
    }
    return found;
  }
}

function name(rank: number): Severity | null {
  return rank === 3 ? "error" : rank === 2 ? "warning" : rank === 1 ? "info" : null;
}
