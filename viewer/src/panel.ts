/** The side panel: everything about what is selected, or about the network. */

import { button, h } from "./dom";
import { drawField, fieldText } from "./field";
import type { FieldAxis } from "./document";
import { bytes, percent, plural, short, value, whole } from "./format";
import type { Item } from "./items";
import type { Marks } from "./marks";
import type { Metric, Network } from "./network";
import type { Cures } from "./problems";
import { drawProblem } from "./problems";
import type { Theme } from "./theme";

export interface Acts extends Cures {
  toggle: (path: string) => void;
  unroll: (key: string, open: boolean) => void;
  ofKind: (group: number, open: boolean) => void;
  openInEditor: ((path: string) => void) | null;
  field: ((path: string) => Promise<FieldAxis[] | null>) | null; // where the data have none
  more: (node: number) => HTMLElement | null; // of a run: weights, feature maps
}

export interface Around {
  network: Network;
  marks: Marks;
  theme: Theme;
  acts: Acts;
}

type Row = [string, string | Node];

function table(rows: Row[]): HTMLElement {
  return h("dl", {}, ...rows.flatMap(([name, content]) => [h("dt", {}, name), h("dd", {}, content)]));
}

function share(network: Network, low: number, high: number, metric: Metric, show: (count: number) => string): Node {
  const amount = network.sum(low, high, metric);
  const total = network.total(metric);
  const part = total ? amount / total : 0;
  const bar = h("span", { class: "bar", "aria-hidden": "true" }, h("span", { style: `width:${(part * 100).toFixed(1)}%` }));
  return h("span", {}, show(amount), h("span", { class: "share" }, ` ${percent(part)} of the total`), bar);
}

function costs(network: Network, low: number, high: number): Row[] {
  return [
    ["parameters", share(network, low, high, "parameters", whole)],
    ["multiply-adds", share(network, low, high, "multiply_adds", short)],
    ["activations", share(network, low, high, "activation_bytes", bytes)],
    ...(network.times ? ([["time", share(network, low, high, "time", (ms) => `${ms.toPrecision(3)} ms`)]] as Row[]) : []),
  ];
}

function placeOf({ network, acts }: Around, child: number, path: string): Row[] {
  const place = network.place(child);
  if (!place) return [];
  const text = `${place.file}:${place.line}`;
  const links = h("span", { class: "links" }, h("code", {}, text), " ");
  links.append(button("copy", `copy ${text}`, () => void navigator.clipboard?.writeText(`${place.absolute || place.file}:${place.line}`)));
  if (place.absolute) {
    const address = `vscode://file${place.absolute.startsWith("/") ? "" : "/"}${encodeURI(place.absolute)}:${place.line}:${place.column}`;
    links.append(" ", h("a", { href: address }, "VS Code"));
  }
  const { openInEditor } = acts;
  if (openInEditor) links.append(" ", button("editor", "open the line in $EDITOR", () => openInEditor(path)));
  return [["written in", links]];
}

function heading(title: string, below: string): Node[] {
  return [h("h2", {}, title), h("p", { class: "below" }, below)];
}

function nodeDetails(around: Around, node: number): (Node | null)[] {
  const { network, acts } = around;
  const { data } = network;
  const variant = network.variant(node);
  const kind = network.kind(node);
  const path = network.path(node);
  const rows: Row[] = [];
  const inputs = data.nodes.inputs[node] ?? [];
  const nameOf = (source: number): string => (source < 0 ? (data.inputs[-1 - source]?.name ?? "") : network.path(source));
  const reads = h("span", {});
  inputs.forEach((source, index) => {
    if (index) reads.append(", ");
    reads.append(button(nameOf(source), `show ${nameOf(source)}`, () => acts.select(nameOf(source)), { class: "link" }));
    if (network.shape(source)) reads.append(` ${network.shape(source)}`);
  });
  if (inputs.length) rows.push(["reads", reads]);
  rows.push(["output", network.shape(node) || "not known: the node, or what it reads, is wrong"]);
  for (const { axis, text } of variant.arithmetic ?? []) rows.push([axis, h("code", {}, text)]);
  const names = Object.keys(kind.arguments);
  const shares = data.nodes.shares.find(([owner]) => owner === node);
  const parts: (Node | null)[] = [
    ...heading(path, [kind.op, kind.summary].filter(Boolean).join(": ")),
    kind.formula ? h("p", { class: "formula" }, h("code", {}, kind.formula)) : null,
    table(rows),
    names.length ? h("h3", {}, "Arguments") : null,
    names.length
      ? table(names.map((name): Row => [name, h("span", { class: kind.set.includes(name) ? "" : "default" }, value(kind.arguments[name]))]))
      : null,
  ];
  if (variant.tensors?.length) {
    const tensors = variant.tensors.map((tensor): Row => {
      const count = tensor.shape.reduce((product, size) => product * size, 1);
      return [tensor.name || "weight", `${tensor.shape.join("×") || "1"} = ${whole(count)}${tensor.trainable ? "" : ", not trained"}`];
    });
    parts.push(h("h3", {}, shares ? `Parameters, those of ${shares[1]}` : "Parameters"), table(tensors));
  }
  if (!network.isUnfinished(node)) parts.push(h("h3", {}, "Cost of one sample"), table(costs(network, node, node + 1)));
  parts.push(fieldOf(around, node), table(placeOf(around, node, path)), acts.more(node));
  return parts;
}

function fieldOf({ network, theme, acts }: Around, node: number): HTMLElement {
  const place = h("section", { "aria-label": "receptive field" });
  const draw = (): void => {
    const text = fieldText(network, node);
    if (text) place.replaceChildren(h("h3", {}, "Receptive field"), h("p", {}, text), drawField(network, node, theme) ?? "");
  };
  draw();
  const { data } = network;
  if (acts.field && (data.nodes.field[node] ?? -1) < 0)
    void acts.field(network.path(node)).then((found) => {
      if (!found) return;
      data.nodes.field[node] = data.fields.push(found) - 1;
      draw();
    });
  return place;
}

function groupDetails(around: Around, item: Item): (Node | null)[] {
  const { network, acts } = around;
  const group = network.groupOf.get(item.path) ?? -1;
  const row = network.data.groups[group];
  const given = Object.entries(row?.arguments ?? {});
  const kind = row?.block ? `block ${row.block}` : (row?.kind ?? "");
  return [
    ...heading(item.path + (item.times > 1 ? ` ×${item.times}` : ""), [kind, plural(item.high - item.low, "node"), item.varies].filter(Boolean).join(", ")),
    h(
      "p", { class: "buttons" },
      button(item.isOpen ? "Fold" : "Unfold", "Enter in the tree", () => acts.toggle(item.path)),
      item.runKey ? button(`Show all ${item.times}`, "show every repetition", () => acts.unroll(item.runKey, true)) : null,
      button("Unfold all of this kind", "unfold every block of this kind", () => acts.ofKind(group, true)),
      button("Fold all of this kind", "fold every block of this kind", () => acts.ofKind(group, false)),
    ), // prettier-ignore
    given.length ? h("h3", {}, "Arguments") : null,
    given.length ? table(given.map(([name, argument]): Row => [name, value(argument)])) : null,
    h("h3", {}, "Cost of one sample"),
    table([...costs(network, item.low, item.high), ...placeOf(around, -1 - group, item.path)]),
  ];
}

/** What the panel shows of an item. */
export function drawDetails(around: Around, item: Item): HTMLElement {
  const { network, marks, acts } = around;
  const panel = h("div", { class: "details" });
  const isNode = item.kind === "node";
  const parts = isNode ? nodeDetails(around, item.child) : item.kind === "group" ? groupDetails(around, item) : [
    ...heading(item.title, `${item.kind} of the network, ${network.shape(item.child) || "shape not known"}`),
  ]; // prettier-ignore
  if (isNode && item.times > 1 && item.runKey)
    parts.splice(2, 0, button(`Show all ${item.times}`, "show every repetition", () => acts.unroll(item.runKey, true)));
  const problems: Node[] = [];
  for (let node = item.low; node < item.high && item.kind !== "input" && item.kind !== "output"; node++) {
    for (const diagnostic of network.diagnosticsOf.get(node) ?? []) problems.push(drawProblem(diagnostic, acts));
    const change = isNode ? marks.changeOf(node) : undefined;
    if (change) problems.push(h("p", { class: "difference changed" }, `${change.kind}: ${change.details.join("; ")}`));
  }
  panel.append(...parts.slice(0, 2).filter((part) => part !== null), ...problems, ...parts.slice(2).filter((part) => part !== null));
  return panel;
}

/** What the panel shows where nothing is selected. */
export function drawOverview(around: Around, more: (Node | null)[]): HTMLElement {
  const { network, acts } = around;
  const { data } = network;
  const rows: Row[] = [
    ["nodes", whole(network.size)],
    ["parameters", whole(network.total("parameters"))],
    ["multiply-adds", short(network.total("multiply_adds"))],
    ["activations", bytes(network.total("activation_bytes"))],
  ];
  const { totals } = data;
  if (totals) {
    rows[1] = ["parameters", whole(Number(totals.parameters))];
    rows[2] = ["multiply-adds", typeof totals.multiply_adds === "number" ? short(totals.multiply_adds) : String(totals.multiply_adds)];
    for (const [name, key] of [["peak, inference", "peak_inference_bytes"], ["peak, training", "peak_training_bytes"]] as const)
      if (typeof totals[key] === "number") rows.push([name, `${bytes(totals[key])} a sample`]); // prettier-ignore
  }
  const panel = h("div", { class: "details" }, ...heading(data.name, data.description || (data.title ?? "")), table(rows));
  const shown = data.diagnostics.filter((diagnostic) => diagnostic.severity !== "info");
  if (shown.length) {
    panel.append(h("h3", {}, "Problems"));
    for (const diagnostic of shown) panel.append(drawProblem(diagnostic, acts, true));
  }
  for (const note of data.notes ?? []) panel.append(h("p", { class: "note" }, note));
  panel.append(...more.filter((part) => part !== null));
  return panel;
}
