/** Diagnostics, each with its cure, the lines that it changes, and a button that applies it. */

import { button, h } from "./dom";
import type { Changes, Cure, Diagnostic } from "./document";

export interface Cures {
  canApply: boolean;
  apply: (diagnostic: Diagnostic, cure: number) => void;
  select: (path: string) => void;
}

const APPLY = { safe: "Apply", unsafe: "Apply (may change the meaning)", expect: "Apply (changes what is declared)" };

export function drawProblem(diagnostic: Diagnostic, cures: Cures, short = false): HTMLElement {
  const { severity, code, message, node, notes, help } = diagnostic;
  const place = `${diagnostic.path}:${diagnostic.line}:${diagnostic.column}`;
  return h(
    "article",
    { class: `problem ${severity}` },
    h("p", {}, h("strong", {}, `${severity} ${code} `), message),
    node && short ? button(`show ${node}`, `show ${node} on the picture`, () => cures.select(node)) : null,
    h("p", { class: "place" }, place),
    ...(short ? [] : notes.map((note) => h("p", { class: "note" }, `note: ${note}`))),
    help ? h("p", { class: "help" }, `help: ${help}`) : null,
    ...(diagnostic.cures ?? []).flatMap((cure, index) => drawCure(diagnostic, cure, index, cures)),
  );
}

function drawCure(diagnostic: Diagnostic, cure: Cure, index: number, cures: Cures): (Node | null)[] {
  const { code, help } = diagnostic;
  const act = (): void => cures.apply(diagnostic, index);
  return [
    index ? h("p", { class: "help" }, cure.help && cure.help !== help ? `or: ${cure.help}` : "or") : null,
    drawChanges(cure.changes),
    cures.canApply
      ? button(APPLY[cure.applicability], `write the cure of ${code} into the file`, act, { class: "cure", "data-code": code })
      : null,
  ];
}

export function drawChanges({ path, line, rows }: Changes): HTMLElement {
  const names: Record<string, string> = { "-": "removed", "+": "added", " ": "same" };
  return h(
    "div",
    { class: "changes", role: "figure", "aria-label": `what changes in ${path}, from line ${line}`, tabindex: 0 },
    ...rows.map(([sign, text]) => h("div", { class: names[sign] ?? "same" }, `${sign} ${text}`)),
  );
}
