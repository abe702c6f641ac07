/** What changed between two networks, as a list. */

import { button, h } from "./dom";
import type { Change } from "./document";

export function drawChangeList(changes: Change[], show: (path: string) => void): HTMLElement {
  return h(
    "section",
    { "aria-label": "changes" },
    h("h3", {}, changes.length ? "Changes" : "No changes: the two networks are the same"),
    h(
      "ul",
      { class: "change-list" },
      ...changes.map((change) => {
        const path = change.new ?? change.old ?? "";
        const details = [change.what, ...change.details].filter(Boolean).join("; ");
        const kind = change.kind === "added" || change.kind === "removed" ? change.kind : "changed";
        return h(
          "li",
          { "data-kind": change.kind },
          h("span", { class: `difference ${kind}` }, change.kind),
          " ",
          change.new ? button(path, `show ${path}`, () => show(change.nodes[0] ?? path), { class: "link" }) : h("code", {}, path),
          ` ${details}`,
        );
      }),
    ),
  );
}
