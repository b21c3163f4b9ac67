// What TypeScript's DOM library leaves out of a service worker's world; only what sw.js uses.
interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<unknown>): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Promise<Response> | Response): void;
}
interface ExtendableMessageEvent extends ExtendableEvent {
  readonly data: unknown;
}
interface WorkerClients {
  claim(): Promise<void>;
  matchAll(options: { includeUncontrolled: boolean }): Promise<{ postMessage(value: unknown): void }[]>;
}
interface ServiceWorkerGlobalScope {
  readonly clients: WorkerClients;
  readonly location: Location;
  skipWaiting(): Promise<void>;
  addEventListener(type: "install" | "activate", listener: (event: ExtendableEvent) => void): void;
  addEventListener(type: "fetch", listener: (event: FetchEvent) => void): void;
  addEventListener(type: "message", listener: (event: ExtendableMessageEvent) => void): void;
}
