/** Diagnostics, each with its cure, the lines that it changes, and a button that applies it. */

import { button, h } from "./dom";
import type { Changes, Diagnostic } from "./document";

export interface Cures {
  canApply: boolean;
  apply: (diagnostic: Diagnostic) => void;
  select: (path: string) => void;
}

export function drawProblem(diagnostic: Diagnostic, cures: Cures, short = false): HTMLElement {
  const { severity, code, message, node, notes, help, fix } = diagnostic;
  const place = `${diagnostic.path}:${diagnostic.line}:${diagnostic.column}`;
  return h(
    "article",
    { class: `problem ${severity}` },
    h("p", {}, h("strong", {}, `${severity} ${code} `), message),
    node && short ? button(`show ${node}`, `show ${node} on the picture`, () => cures.select(node)) : null,
    h("p", { class: "place" }, place),
    ...(short ? [] : notes.map((note) => h("p", { class: "note" }, `note: ${note}`))),
    help ? h("p", { class: "help" }, `help: ${help}`) : null,
    fix?.changes ? drawChanges(fix.changes) : null,
    fix && cures.canApply
      ? button(fix.applicability === "safe" ? "Apply" : "Apply (may change the meaning)", `write the cure of ${code} into the file`, () => cures.apply(diagnostic), { class: "cure", "data-code": code })
      : null,
  );
}

export function drawChanges({ path, line, rows }: Changes): HTMLElement {
  const names: Record<string, string> = { "-": "removed", "+": "added", " ": "same" };
  return h(
    "div",
    { class: "changes", role: "figure", "aria-label": `what changes in ${path}, from line ${line}`, tabindex: 0 },
    ...rows.map(([sign, text]) => h("div", { class: names[sign] ?? "same" }, `${sign} ${text}`)),
  );
}
