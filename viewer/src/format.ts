/** Figures and values as people read them. */

const UNITS = ["", "k", "M", "G", "T", "P"];

/** Three digits and a unit: 9.41k, 2.36M. */
export function short(count: number): string {
  let [amount, unit] = [count, 0];
  while (amount >= 999.5 && unit < UNITS.length - 1) [amount, unit] = [amount / 1000, unit + 1];
  return unit ? `${Number(amount.toPrecision(3))}${UNITS[unit]}` : String(count);
}

/** Bytes: 3.06 MiB. */
export function bytes(count: number): string {
  let [amount, unit] = [count, 0];
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  while (amount >= 1024 && unit < units.length - 1) [amount, unit] = [amount / 1024, unit + 1];
  return `${Number(amount.toPrecision(3))} ${units[unit]}`;
}

export function whole(count: number): string {
  return count.toLocaleString("en-US");
}

export function percent(share: number): string {
  const value = share * 100;
  return value === 0 ? "0 %" : value < 0.1 ? "< 0.1 %" : `${Number(value.toPrecision(3))} %`;
}

/** An argument as a spec writes it. */
export function value(given: unknown): string {
  if (Array.isArray(given)) return `[${given.map(value).join(", ")}]`;
  if (given !== null && typeof given === "object")
    return `{${Object.entries(given)
      .map(([name, item]) => `${name}: ${value(item)}`)
      .join(", ")}}`;
  return given === null || given === undefined ? "null" : String(given);
}

/** Text cut to about so many characters. */
export function cut(text: string, most: number): string {
  return text.length <= most ? text : most < 2 ? "" : `${text.slice(0, most - 1)}…`;
}

export function plural(count: number, word: string): string {
  return `${whole(count)} ${word}${count === 1 ? "" : "s"}`;
}
