/** The picture: a pannable plane of which only what is seen is in the document. */

import { select } from "d3-selection";
import { zoom, zoomIdentity, type ZoomBehavior, type ZoomTransform } from "d3-zoom";
import { s } from "./dom";
import type { Item } from "./items";
import type { Line, Placed, Scene } from "./scene";
import { FRAME_HEADER } from "./scene";
import { drawBox, drawFrame, drawLine, type Look } from "./shapes";

const MARGIN = 200; // pixels beyond the window that are drawn
const LEAST_PIXELS = 5; // height below which what lies inside a group is not drawn

export interface Rectangle {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Drawn {
  element: SVGGElement;
  scene: number;
}

export class Picture {
  readonly svg: SVGSVGElement;
  private readonly plane: SVGGElement;
  private readonly layers: Record<"frames" | "lines" | "boxes", SVGGElement>;
  private readonly drawn = new Map<string, Drawn>();
  private readonly zoom: ZoomBehavior<SVGSVGElement, unknown>;
  transform: ZoomTransform = zoomIdentity;
  scene: Scene | null = null;
  places = new Map<string, Rectangle>(); // of every item, on the plane
  private version = 0;
  private isScheduled = false;
  onSelect: (path: string | null) => void = () => undefined;
  onToggle: (path: string) => void = () => undefined;
  onMove: () => void = () => undefined;

  constructor(public look: Look) {
    this.layers = { frames: s("g"), lines: s("g"), boxes: s("g") };
    this.plane = s("g", {}, this.layers.frames, this.layers.lines, this.layers.boxes);
    this.svg = s("svg", { class: "picture", tabindex: 0, role: "img", "aria-label": "the network as a picture; the tree beside it says the same" }, this.plane);
    this.zoom = zoom<SVGSVGElement, unknown>()
      .scaleExtent([0.01, 4])
      .filter((event: MouseEvent) => !event.button && event.type !== "dblclick")
      .on("zoom", ({ transform }: { transform: ZoomTransform }) => {
        this.transform = transform;
        this.plane.setAttribute("transform", String(transform));
        this.schedule();
        this.onMove();
      });
    select(this.svg).call(this.zoom);
    this.svg.addEventListener("click", (event) => this.click(event));
    this.svg.addEventListener("dblclick", (event) => {
      const path = this.pathAt(event);
      if (path) this.onToggle(path);
    });
    this.svg.addEventListener("keydown", (event) => this.key(event));
  }

  private pathAt(event: Event): string | null {
    return (event.target as Element).closest("[data-box]")?.getAttribute("data-box") ?? null;
  }

  private click(event: MouseEvent): void {
    const path = this.pathAt(event);
    const isToggle = (event.target as Element).hasAttribute("data-toggle");
    if (path && isToggle) this.onToggle(path);
    else this.onSelect(path);
  }

  private key(event: KeyboardEvent): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60],
    }; // prettier-ignore
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    this.moveTo(this.transform.translate(step[0] / this.transform.k, step[1] / this.transform.k));
  }

  get size(): { width: number; height: number } {
    return { width: this.svg.clientWidth || 800, height: this.svg.clientHeight || 600 };
  }

  moveTo(transform: ZoomTransform): void {
    select(this.svg).call(this.zoom.transform.bind(this.zoom), transform);
  }

  scaleBy(factor: number): void {
    select(this.svg).call(this.zoom.scaleBy.bind(this.zoom), factor);
  }

  /** Show another scene; the transform stays. */
  show(scene: Scene, look: Look): void {
    this.look = look;
    this.scene = scene;
    this.version++;
    this.places = new Map();
    const walk = (inner: Scene, dx: number, dy: number): void => {
      for (const each of inner.placed) {
        this.places.set(each.item.path, { x: each.x + dx, y: each.y + dy, width: each.width, height: each.height });
        if (each.inside) walk(each.inside, ...this.insideOf(each, dx, dy));
      }
    };
    walk(scene, 0, 0);
    this.draw();
  }

  private insideOf(placed: Placed, dx: number, dy: number): [number, number] {
    return [placed.x + dx + (placed.width - placed.inside!.width) / 2, placed.y + dy + FRAME_HEADER];
  }

  /** Everything in the window: the whole network, its beginning where that would be too small to read. */
  fit(least = 0): void {
    if (!this.scene) return;
    const { width, height } = this.size;
    const k = Math.min((width - 40) / Math.max(this.scene.width, 1), (height - 40) / Math.max(this.scene.height, 1), 1.25);
    const scale = Math.max(k, least, 0.01);
    const y = scale > k ? 20 : (height - this.scene.height * scale) / 2;
    this.moveTo(zoomIdentity.translate((width - this.scene.width * scale) / 2, y).scale(scale));
  }

  centre(path: string): void {
    const place = this.places.get(path);
    if (!place) return;
    const { width, height } = this.size;
    const k = Math.max(this.transform.k, 0.6);
    const x = width / 2 - (place.x + place.width / 2) * k;
    this.moveTo(zoomIdentity.translate(x, height / 2 - (place.y + Math.min(place.height, height / k) / 2) * k).scale(k));
  }

  isSeen(path: string): boolean {
    const place = this.places.get(path);
    if (!place) return false;
    const [x, y] = this.transform.apply([place.x, place.y]);
    const { width, height } = this.size;
    return x >= 0 && y >= 0 && x + place.width * this.transform.k <= width && y + 20 <= height;
  }

  /** Where an item is in the window, in pixels. */
  position(path: string): Rectangle | null {
    const place = this.places.get(path);
    if (!place) return null;
    const { left, top } = this.svg.getBoundingClientRect();
    const [x, y] = this.transform.apply([place.x, place.y]);
    return { x: x + left, y: y + top, width: place.width * this.transform.k, height: place.height * this.transform.k };
  }

  /** Where an item was on the plane, to hold it there. */
  holdPlace(before: Map<string, Rectangle>, candidates: Iterable<string>): void {
    const moves: [number, number][] = [];
    for (const path of candidates) {
      const [old, now] = [before.get(path), this.places.get(path)];
      if (old && now) moves.push([old.x + old.width / 2 - now.x - now.width / 2, old.y - now.y]);
    }
    if (!moves.length) return;
    const counts = new Map<string, number>();
    let best = moves[0]!;
    for (const move of moves) {
      const key = move.map((step) => Math.round(step)).join(" ");
      const count = (counts.get(key) ?? 0) + 1;
      counts.set(key, count);
      if (count > (counts.get(best.map((step) => Math.round(step)).join(" ")) ?? 0)) best = move;
    }
    this.moveTo(this.transform.translate(best[0], best[1]));
  }

  private schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      this.draw();
    });
  }

  /** Bring the document in line with what is seen. */
  draw(): void {
    if (!this.scene) return;
    const { k, x, y } = this.transform;
    const { width, height } = this.size;
    const window = { left: (-MARGIN - x) / k, top: (-MARGIN - y) / k, right: (width + MARGIN - x) / k, bottom: (height + MARGIN - y) / k };
    const wanted = new Set<string>();
    const sees = (left: number, top: number, right: number, bottom: number): boolean =>
      right >= window.left && left <= window.right && bottom >= window.top && top <= window.bottom;
    const put = (layer: "frames" | "lines" | "boxes", key: string, make: () => SVGGElement): void => {
      wanted.add(key);
      const known = this.drawn.get(key);
      if (known?.scene === this.version) return;
      const element = make();
      if (known) known.element.replaceWith(element);
      else this.layers[layer].append(element);
      this.drawn.set(key, { element, scene: this.version });
    };
    const walk = (scene: Scene, scope: string, dx: number, dy: number): void => {
      for (const placed of scene.placed) {
        const [left, top] = [placed.x + dx, placed.y + dy];
        if (!sees(left, top, left + placed.width, top + placed.height)) continue;
        const draw = (): SVGGElement => this.place(placed, left, top);
        if (!placed.inside) put("boxes", `b ${placed.item.path}`, draw);
        else {
          put("frames", `f ${placed.item.path}`, draw);
          if (placed.height * k > LEAST_PIXELS) walk(placed.inside, placed.item.path, ...this.insideOf(placed, dx, dy));
        }
      }
      scene.lines.forEach((line, index) => {
        const xs = line.points.map((point) => point[0] + dx);
        const ys = line.points.map((point) => point[1] + dy);
        if (!sees(Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys))) return;
        put("lines", `l ${scope} ${index}`, () => this.line(line, dx, dy));
      });
    };
    walk(this.scene, "", 0, 0);
    for (const [key, { element }] of this.drawn)
      if (!wanted.has(key)) {
        element.remove();
        this.drawn.delete(key);
      }
    this.orderFrames();
  }

  private place(placed: Placed, left: number, top: number): SVGGElement {
    const element = placed.inside ? drawFrame(this.look, placed) : drawBox(this.look, placed);
    element.setAttribute("data-box", placed.item.path);
    element.setAttribute("data-depth", String(placed.item.depth));
    element.setAttribute("transform", `translate(${left} ${top})`);
    if (!placed.inside && this.look.marks.isPale(placed.item)) element.setAttribute("opacity", "0.28");
    return element;
  }

  private line(line: Line, dx: number, dy: number): SVGGElement {
    const element = drawLine(this.look, line, dx, dy, line.readers[1] >= 0);
    const { way } = this.look.marks;
    if (way && !(line.from.some((node) => way.has(node)) && this.leads(line, way))) element.setAttribute("opacity", "0.2");
    return element;
  }

  private leads(line: Line, way: Set<number>): boolean {
    const [low, high] = line.readers;
    if (low === high || low < 0) return true;
    for (let node = low; node < high; node++) if (way.has(node)) return true;
    return false;
  }

  /** Frames lie on one another by depth, whatever order they came in. */
  private orderFrames(): void {
    const frames = [...this.layers.frames.children];
    const depth = (frame: Element): number => Number(frame.getAttribute("data-depth"));
    const isOrdered = frames.every((frame, index) => !index || depth(frames[index - 1]!) <= depth(frame));
    if (!isOrdered) this.layers.frames.append(...frames.sort((a, b) => depth(a) - depth(b)));
  }

  /** The item at a path, if it is on the picture. */
  has(item: Item): boolean {
    return this.places.has(item.path);
  }
}
