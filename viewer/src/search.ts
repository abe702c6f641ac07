/** Finding nodes by name, op, shape or argument. */

import { value } from "./format";
import type { Network } from "./network";

/** Numbers of the nodes that hold every word: in their path, op, shape (`14x14`) or an argument (`stride=2`). */
export function search(network: Network, query: string): number[] {
  const words = query.toLowerCase().replaceAll("×", "x").split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const { data } = network;
  const texts = data.variants.map((variant) => {
    const kind = data.kinds[variant.kind]!;
    const shape = data.types[variant.output]?.text ?? "";
    const given = Object.entries(kind.arguments).map(([name, argument]) => `${name}=${value(argument).replaceAll(" ", "")}`);
    return [kind.op, kind.op.replaceAll("_", " "), variant.label, shape, ...given].join("\n").toLowerCase().replaceAll("×", "x");
  });
  const found: number[] = [];
  for (let node = 0; node < network.size; node++) {
    const text = texts[data.nodes.variant[node]!]!;
    const path = network.path(node).toLowerCase();
    if (words.every((word) => path.includes(word) || holds(text, word))) found.push(node);
  }
  return found;
}

/** Whether a text holds a word; numbers count as whole (`14x14` is not in `114x14`). */
function holds(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
    const before = text[at - 1] ?? "";
    const after = text[at + word.length] ?? "";
    const cutsBefore = /\d/.test(word[0]!) && /\d/.test(before);
    const cutsAfter = /\d/.test(word[word.length - 1]!) && /\d/.test(after);
    if (!cutsBefore && !cutsAfter) return true;
  }
  return false;
}
