/** The whole plane in a corner, with the window on it. */

import { zoomIdentity } from "d3-zoom";
import { h } from "./dom";
import type { Picture } from "./picture";
import { familyOf } from "./shapes";

const WIDTH = 120;
const HEIGHT = 160;

export class Minimap {
  readonly element: HTMLCanvasElement;
  private drawnFor: unknown = null;
  private backdrop: ImageData | null = null;
  private isScheduled = false;

  constructor(private readonly picture: Picture) {
    this.element = h("canvas", { class: "minimap", width: WIDTH, height: HEIGHT, "aria-hidden": "true" });
    const go = (event: PointerEvent): void => {
      if (event.buttons !== 1) return;
      const { left, top } = this.element.getBoundingClientRect();
      this.jump(event.clientX - left, event.clientY - top);
    };
    this.element.addEventListener("pointerdown", go);
    this.element.addEventListener("pointermove", go);
  }

  private get scale(): number {
    const scene = this.picture.scene;
    return scene ? Math.min(WIDTH / Math.max(scene.width, 1), HEIGHT / Math.max(scene.height, 1)) : 1;
  }

  private jump(x: number, y: number): void {
    const { k } = this.picture.transform;
    const { width, height } = this.picture.size;
    this.picture.moveTo(zoomIdentity.translate(width / 2 - (x / this.scale) * k, height / 2 - (y / this.scale) * k).scale(k));
  }

  schedule(): void {
    if (this.isScheduled) return;
    this.isScheduled = true;
    requestAnimationFrame(() => {
      this.isScheduled = false;
      this.draw();
    });
  }

  private draw(): void {
    const { picture, element, scale } = this;
    const context = element.getContext("2d", { willReadFrequently: true });
    const { scene, transform, look } = picture;
    if (!context || !scene) return;
    const { width, height } = picture.size;
    const [left, top] = transform.invert([0, 0]);
    const [right, bottom] = transform.invert([width, height]);
    element.hidden = left <= 0 && top <= 0 && right >= scene.width && bottom >= scene.height;
    if (this.drawnFor !== scene) {
      element.width = Math.max(Math.ceil(scene.width * scale), 24);
      element.height = Math.max(Math.ceil(scene.height * scale), 24);
      context.clearRect(0, 0, WIDTH, HEIGHT);
      const walk = (inner: typeof scene): void => {
        for (const each of inner.placed) {
          const place = picture.places.get(each.item.path);
          if (!place) continue;
          const isFrame = each.inside !== null;
          const pair = look.theme.families[familyOf(look.network, each.item)];
          context.fillStyle = isFrame ? (look.theme.frame[each.item.depth % 3] ?? "#888") : (pair?.[1] ?? "#888");
          context.fillRect(place.x * scale, place.y * scale, Math.max(place.width * scale, 1), Math.max(place.height * scale, 1));
          if (each.inside && place.height * scale > 2) walk(each.inside);
        }
      };
      walk(scene);
      this.backdrop = context.getImageData(0, 0, WIDTH, HEIGHT);
      this.drawnFor = scene;
    } else if (this.backdrop) context.putImageData(this.backdrop, 0, 0);
    context.strokeStyle = look.theme.accent;
    context.lineWidth = 1.5;
    context.strokeRect(left * scale, top * scale, (right - left) * scale, (bottom - top) * scale);
  }
}
