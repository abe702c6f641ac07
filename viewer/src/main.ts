/** The page's entry: data, picture, and what tests and other tools may ask of it. */

import { App } from "./app";
import { h } from "./dom";
import type { Rectangle } from "./picture";
import { Server } from "./server";

declare global {
  interface Window {
    specgraph: {
      ready: Promise<void>;
      position: (path: string) => Rectangle | null;
      reveal: (path: string) => Promise<void>;
      toggle: (path: string, open?: boolean) => Promise<void>;
      revision: () => number;
      onChange: (told: () => void) => void;
    };
  }
}

const server = new Server();
let app: App | null = null;

async function begin(): Promise<void> {
  const root = document.getElementById("app")!;
  try {
    app = new App(root, server, await server.data());
    await app.start();
  } catch (error) {
    root.replaceChildren(h("main", {}, h("p", { class: "failure", role: "alert" }, `The page cannot be shown: ${(error as Error).message}`)));
    throw error;
  }
  await new Promise((resolve) => requestAnimationFrame(() => resolve(null)));
  performance.mark("first-picture");
}

window.specgraph = {
  ready: begin(),
  position: (path) => app?.picture.position(path) ?? null,
  reveal: async (path) => app?.reveal(path),
  toggle: async (path, open) => app?.toggle(path, open),
  revision: () => app?.revision ?? -1,
  onChange: (told) => app?.listeners.push(told),
};
