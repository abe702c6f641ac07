/** What is seen, as a file: SVG, PNG or PDF. */

import type { Picture } from "./picture";

/** The picture as it stands in the window, as a document of its own. */
export function toSvg(picture: Picture): string {
  const { width, height } = picture.size;
  const copy = picture.svg.cloneNode(true) as SVGSVGElement;
  for (const name of ["class", "tabindex", "role", "style"]) copy.removeAttribute(name);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(width));
  copy.setAttribute("height", String(height));
  copy.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const back = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, content] of Object.entries({ width, height, fill: picture.look.theme.background })) back.setAttribute(name, String(content));
  copy.prepend(back);
  return new XMLSerializer().serializeToString(copy);
}

async function toCanvas(picture: Picture, scale: number): Promise<HTMLCanvasElement> {
  const { width, height } = picture.size;
  const image = new Image();
  const address = URL.createObjectURL(new Blob([toSvg(picture)], { type: "image/svg+xml" }));
  try {
    await new Promise((resolve, reject) => {
      image.onload = resolve;
      image.onerror = reject;
      image.src = address;
    });
  } finally {
    URL.revokeObjectURL(address);
  }
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width * scale, height * scale];
  const context = canvas.getContext("2d")!;
  context.scale(scale, scale);
  context.drawImage(image, 0, 0, width, height);
  return canvas;
}

async function toBytes(canvas: HTMLCanvasElement, type: string, quality?: number): Promise<Uint8Array> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, quality));
  return new Uint8Array(await (blob ?? new Blob()).arrayBuffer());
}

/** A PDF of one page: the picture at three times the resolution of the screen. */
export async function toPdf(picture: Picture): Promise<Uint8Array> {
  const canvas = await toCanvas(picture, 3);
  const jpeg = await toBytes(canvas, "image/jpeg", 0.95);
  const { width, height } = picture.size;
  const content = `q ${width} 0 0 ${height} 0 0 cm /Picture Do Q`;
  const parts: (string | Uint8Array)[] = ["%PDF-1.4\n"];
  const offsets: number[] = [];
  let length = 9;
  const add = (...pieces: (string | Uint8Array)[]): void => {
    offsets.push(length);
    for (const piece of [`${offsets.length} 0 obj\n`, ...pieces, "\nendobj\n"]) {
      parts.push(piece);
      length += piece.length;
    }
  };
  add("<< /Type /Catalog /Pages 2 0 R >>");
  add("<< /Type /Pages /Kids [3 0 R] /Count 1 >>");
  add(`<< /Type /Page /Parent 2 0 R /MediaBox [0 0 ${width} ${height}] /Contents 4 0 R /Resources << /XObject << /Picture 5 0 R >> >> >>`);
  add(`<< /Length ${content.length} >>\nstream\n${content}\nendstream`);
  add(
    `<< /Type /XObject /Subtype /Image /Width ${canvas.width} /Height ${canvas.height} /ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode /Length ${jpeg.length} >>\nstream\n`,
    jpeg,
    "\nendstream",
  );
  const table = offsets.map((offset) => `${String(offset).padStart(10, "0")} 00000 n \n`).join("");
  parts.push(`xref\n0 ${offsets.length + 1}\n0000000000 65535 f \n${table}trailer << /Size ${offsets.length + 1} /Root 1 0 R >>\nstartxref\n${length}\n%%EOF\n`);
  return new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
}

/** Make a file of what is seen and hand it to the reader. */
export async function download(picture: Picture, format: "svg" | "png" | "pdf", name: string): Promise<void> {
  const types = { svg: "image/svg+xml", png: "image/png", pdf: "application/pdf" };
  const content =
    format === "svg" ? toSvg(picture) : format === "png" ? await toBytes(await toCanvas(picture, 2), types.png) : await toPdf(picture);
  const address = URL.createObjectURL(new Blob([content as BlobPart], { type: types[format] }));
  const link = document.createElement("a");
  link.href = address;
  link.download = `${name || "network"}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
