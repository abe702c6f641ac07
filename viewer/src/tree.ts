/** The tree beside the picture: the same items as an ARIA tree, for keyboards and readers of the screen. */

import { h } from "./dom";
import type { Item } from "./items";
import { walkItems } from "./items";
import type { Marks } from "./marks";
import type { Network } from "./network";

const MOST_ROWS = 3000;

export class TreeView {
  readonly element: HTMLElement;
  private rows = new Map<string, HTMLElement>();
  private order: Item[] = [];
  private focused: string | null = null;
  onSelect: (path: string) => void = () => undefined;
  onToggle: (path: string, open?: boolean) => void = () => undefined;

  constructor() {
    this.element = h("div", { role: "tree", "aria-label": "nodes and blocks", class: "tree" });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("click", (event) => {
      const row = (event.target as Element).closest<HTMLElement>("[role=treeitem]");
      if (!row) return;
      const path = row.dataset.path!;
      if ((event.target as Element).classList.contains("toggle")) this.onToggle(path);
      else this.onSelect(path);
    });
    this.element.addEventListener("dblclick", (event) => {
      const path = (event.target as Element).closest<HTMLElement>("[aria-expanded]")?.dataset.path;
      if (path) this.onToggle(path);
    });
  }

  /** Bring the rows in line with the items; rows that stay keep their element. */
  show(items: Item[], network: Network, marks: Marks): void {
    this.order = [...walkItems(items)].slice(0, MOST_ROWS);
    const before = this.rows;
    this.rows = new Map();
    let last: Element | null = null;
    for (const item of this.order) {
      const row = before.get(item.path) ?? h("div", { role: "treeitem", tabindex: -1 });
      before.delete(item.path);
      this.update(row, item, network, marks);
      this.rows.set(item.path, row);
      const next: Element | null = last ? last.nextElementSibling : this.element.firstElementChild;
      if (next !== row) this.element.insertBefore(row, next);
      last = row;
    }
    for (const row of before.values()) row.remove();
    const wanted = this.focused !== null && this.rows.has(this.focused) ? this.focused : this.order[0]?.path;
    if (wanted !== undefined) this.rows.get(wanted)!.tabIndex = 0;
  }

  private update(row: HTMLElement, item: Item, network: Network, marks: Marks): void {
    const severity = item.isOpen ? null : marks.severity(item);
    const difference = marks.difference(item);
    const label = item.kind === "node" ? network.variant(item.child).label : "";
    const times = item.times > 1 ? ` ×${item.times}` : "";
    const shape = item.kind === "group" ? "" : network.shape(item.child);
    const isSelected = marks.selected === item.path;
    const state = [item.title, times, label, shape, severity, difference, item.isOpen, item.kind, item.depth, isSelected].join("\n");
    if (row.dataset.state === state) return;
    row.dataset.state = state;
    row.dataset.path = item.path;
    row.setAttribute("aria-level", String(item.depth));
    row.setAttribute("aria-selected", String(isSelected));
    set(row, "aria-expanded", item.kind === "group" ? String(item.isOpen) : null);
    set(row, "data-severity", severity);
    set(row, "data-difference", difference);
    row.style.paddingInlineStart = `${6 + (item.depth - 1) * 14}px`;
    row.tabIndex = -1;
    row.replaceChildren(
      h("span", { class: item.kind === "group" ? "toggle" : "leaf", "aria-hidden": "true" }, item.kind === "group" ? (item.isOpen ? "▾" : "▸") : ""),
      h("span", { class: "name" }, item.title + times),
      h("span", { class: "label" }, [label, shape].filter(Boolean).join(" → ")),
      severity ? h("span", { class: `severity ${severity}` }, severity) : "",
      difference ? h("span", { class: `difference ${difference}` }, difference) : "",
    ); // prettier-ignore
    row.title = item.path;
  }

  /** Move the focus of the keyboard to a row. */
  focus(path: string, grab: boolean): void {
    const row = this.rows.get(path);
    if (!row) return;
    if (this.focused !== null && this.focused !== path) {
      const old = this.rows.get(this.focused);
      if (old) old.tabIndex = -1;
    }
    for (const other of this.element.querySelectorAll<HTMLElement>('[tabindex="0"]')) if (other !== row) other.tabIndex = -1;
    this.focused = path;
    row.tabIndex = 0;
    if (grab) row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  private key(event: KeyboardEvent): void {
    const path = (event.target as HTMLElement).dataset.path;
    const at = this.order.findIndex((item) => item.path === path);
    const item = this.order[at];
    if (!item || event.ctrlKey || event.metaKey || event.altKey) return;
    const go = (index: number): void => {
      const next = this.order[Math.min(Math.max(index, 0), this.order.length - 1)];
      if (next) this.focus(next.path, true);
    };
    const parent = (): number => {
      for (let index = at - 1; index >= 0; index--) if (this.order[index]!.depth < item.depth) return index;
      return at;
    };
    const acts: Record<string, () => void> = {
      ArrowDown: () => go(at + 1),
      ArrowUp: () => go(at - 1),
      Home: () => go(0),
      End: () => go(this.order.length - 1),
      ArrowRight: () => (item.kind !== "group" ? undefined : item.isOpen ? go(at + 1) : this.onToggle(item.path, true)),
      ArrowLeft: () => (item.kind === "group" && item.isOpen ? this.onToggle(item.path, false) : go(parent())),
      Enter: () => this.onSelect(item.path),
      " ": () => (item.kind === "group" ? this.onToggle(item.path) : this.onSelect(item.path)),
    };
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function set(row: HTMLElement, name: string, value: string | null): void {
  if (value === null) row.removeAttribute(name);
  else row.setAttribute(name, value);
}
