/** Colours by role. The picture carries its colours itself, so that what is exported looks as on the screen. */

export interface Theme {
  background: string;
  text: string;
  faint: string;
  line: string;
  frame: string[];
  frameLine: string;
  accent: string;
  error: string;
  warning: string;
  info: string;
  added: string;
  removed: string;
  changed: string;
  heat: [string, string];
  families: Record<string, [string, string]>; // fill, edge
}

export const LIGHT: Theme = {
  background: "#ffffff",
  text: "#1c2530",
  faint: "#566171",
  line: "#66738a",
  frame: ["#f5f6f9", "#eaedf2", "#dfe4eb"],
  frameLine: "#b4bdc9",
  accent: "#1b5fc1",
  error: "#c0202f",
  warning: "#a85d00",
  info: "#2f6f9f",
  added: "#2b8a3e",
  removed: "#c92a2a",
  changed: "#b06a00",
  heat: ["#fff6e0", "#e0532f"],
  families: {
    convolution: ["#cfe2f7", "#3d74ad"],
    pooling: ["#cdeadf", "#2f8263"],
    normalisation: ["#e6dcf4", "#7552a8"],
    activation: ["#fde3c3", "#b3701b"],
    dense: ["#f9d3d3", "#b04747"],
    joining: ["#fbf0b6", "#94801a"],
    shape: ["#e3e6ea", "#6b7683"],
    regularisation: ["#f6d9ea", "#a34a80"],
    block: ["#dce3ee", "#4b5f7d"],
    input: ["#ffffff", "#566273"],
  },
};

export const DARK: Theme = {
  background: "#14181f",
  text: "#e8ecf1",
  faint: "#a9b4c2",
  line: "#8592a6",
  frame: ["#1b212a", "#222a35", "#2a3340"],
  frameLine: "#46525f",
  accent: "#7db3ff",
  error: "#ff7b85",
  warning: "#f0a64a",
  info: "#7fc0ec",
  added: "#5fc777",
  removed: "#ff8a8a",
  changed: "#f0b35a",
  heat: ["#2b2a25", "#d2482a"],
  families: {
    convolution: ["#1f4168", "#6ea8e0"],
    pooling: ["#1d4d3d", "#62c09d"],
    normalisation: ["#413061", "#b196de"],
    activation: ["#5c3d14", "#e0a458"],
    dense: ["#5e2629", "#e58585"],
    joining: ["#544a11", "#d8c34f"],
    shape: ["#333b46", "#97a3b1"],
    regularisation: ["#5a2a47", "#dc8bbb"],
    block: ["#2b3648", "#8fa6c8"],
    input: ["#14181f", "#8d99a9"],
  },
};

/** A colour between two, 0 to 1. */
export function mix(from: string, to: string, share: number): string {
  const part = (text: string, index: number): number => parseInt(text.slice(1 + 2 * index, 3 + 2 * index), 16);
  const mixed = [0, 1, 2].map((index) => Math.round(part(from, index) + (part(to, index) - part(from, index)) * share));
  return `#${mixed.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
}

/** The theme that the reader chose before, else that of the system. */
export function firstTheme(): Theme {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem("specgraph.theme");
  } catch {
    // a page in a notebook, or a file, may not keep anything
  }
  return put(kept === null ? matchMedia("(prefers-color-scheme: dark)").matches : kept === "dark");
}

/** Show the dark theme or the light one from now on. */
export function setTheme(isDark: boolean): Theme {
  try {
    localStorage.setItem("specgraph.theme", isDark ? "dark" : "light");
  } catch {
    // as above
  }
  return put(isDark);
}

function put(isDark: boolean): Theme {
  document.documentElement.dataset.theme = isDark ? "dark" : "light";
  return isDark ? DARK : LIGHT;
}
