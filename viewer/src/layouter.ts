/** Scopes to places: chains at once, others by dagre in a worker; equal scopes share one layout. */

import { layoutChain } from "./layout_chain";
import { layoutLayered } from "./layout_layered";
import type { Problem, Solution } from "./layout_types";

const PATIENCE_MS = 2500;
const MOST_KEPT = 4000;
declare const WORKER_SOURCE: string; // the built worker, put in by tools/build.mjs

export class Layouter {
  private worker: Worker | null = null;
  private isBroken = false;
  private count = 0;
  private readonly waiting = new Map<number, (solution: Solution | null) => void>();
  private readonly known = new Map<string, Solution | Promise<Solution>>();

  /** The layout of a scope: at once where it is known or a chain. */
  solve(problem: Problem): Solution | Promise<Solution> {
    const key = JSON.stringify([
      problem.boxes.map((box) => [Math.round(box.width), Math.round(box.height)]),
      problem.arrows.map((arrow) => [arrow.from, arrow.to, arrow.label]),
    ]);
    const known = this.known.get(key);
    if (known) return known;
    if (this.known.size > MOST_KEPT) this.known.clear();
    const chain = layoutChain(problem);
    const found =
      chain ??
      this.ask(problem).then((solution) => {
        const settled = solution ?? layoutLayered(problem);
        this.known.set(key, settled);
        return settled;
      });
    this.known.set(key, found);
    return found;
  }

  private ask(problem: Problem): Promise<Solution | null> {
    const worker = this.start();
    if (!worker) return Promise.resolve(null);
    const id = ++this.count;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.giveUp(), PATIENCE_MS);
      this.waiting.set(id, (solution) => {
        clearTimeout(timer);
        resolve(solution);
      });
      worker.postMessage({ id, problem });
    });
  }

  private start(): Worker | null {
    if (this.worker || this.isBroken) return this.worker;
    try {
      const address = URL.createObjectURL(new Blob([WORKER_SOURCE], { type: "text/javascript" }));
      this.worker = new Worker(address);
    } catch {
      this.isBroken = true;
      return null;
    }
    this.worker.onmessage = ({ data }: MessageEvent<{ id: number; solution: Solution | null }>) => {
      this.waiting.get(data.id)?.(data.solution);
      this.waiting.delete(data.id);
    };
    this.worker.onerror = () => {
      this.isBroken = true;
      this.giveUp();
    };
    return this.worker;
  }

  /** Stop the worker; whoever waits gets the quick layout. */
  private giveUp(): void {
    this.worker?.terminate();
    this.worker = null;
    for (const answer of this.waiting.values()) answer(null);
    this.waiting.clear();
  }
}
