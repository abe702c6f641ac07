/** The worker: one scope a message, answered under its number. */

import { layoutDagre } from "./layout_dagre";
import type { Problem } from "./layout_types";

self.onmessage = ({ data }: MessageEvent<{ id: number; problem: Problem }>): void => {
  try {
    self.postMessage({ id: data.id, solution: layoutDagre(data.problem) });
  } catch {
    self.postMessage({ id: data.id, solution: null });
  }
};
