/** Talking with the server. A page that was written to a file has none. */

import type { ViewDocument } from "./document";

export class Server {
  readonly token = new URLSearchParams(location.search).get("token") ?? "";
  readonly isThere = document.getElementById("data") === null;

  private async get<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    const parameters = new URLSearchParams({ token: this.token, ...query });
    return this.read<T>(await fetch(`${path}?${parameters}`));
  }

  private async read<T>(response: Response): Promise<T> {
    const found = (await response.json()) as T & { message?: string };
    if (!response.ok) throw new Error(found.message ?? response.statusText);
    return found;
  }

  /** The data: from the server, or from the page itself. */
  async data(): Promise<ViewDocument> {
    const inline = document.getElementById("data");
    return inline ? (JSON.parse(inline.textContent ?? "{}") as ViewDocument) : this.get<ViewDocument>("/data");
  }

  async post<T>(path: string, content: Record<string, unknown>): Promise<T> {
    const headers = { "Content-Type": "application/json", "X-Specgraph-Token": this.token };
    return this.read<T>(await fetch(path, { method: "POST", headers, body: JSON.stringify(content) }));
  }

  weights<T>(node: string): Promise<T> {
    return this.get<T>("/weights", { node });
  }

  field<T>(node: string): Promise<T> {
    return this.get<T>("/field", { node });
  }

  judged<T>(): Promise<T> {
    return this.get<T>("/judged");
  }

  times<T>(): Promise<T> {
    return this.get<T>("/times");
  }

  /** Listen to what happens. */
  follow(handlers: Record<string, (content: Record<string, unknown>) => void>): void {
    if (!this.isThere) return;
    const events = new EventSource(`/events?token=${encodeURIComponent(this.token)}`);
    for (const [event, handle] of Object.entries(handlers))
      events.addEventListener(event, (message) => handle(JSON.parse((message as MessageEvent<string>).data) as Record<string, unknown>));
    events.onerror = () => handlers.lost?.({});
  }
}
