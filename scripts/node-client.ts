import { setTimeout as sleep } from 'node:timers/promises';

export interface NodeInfo {
  readonly peerId: string;
  readonly address: string;
  readonly multiaddrs: readonly string[];
}

/** A daemon, wherever it runs, as any client reaches it: through REST. */
export class NodeClient {
  #url = '';
  #appKey = '';

  reachAt(url: string, appKey: string): void {
    this.#url = url;
    this.#appKey = appKey;
  }

  get url(): string {
    return this.#url;
  }

  get appKey(): string {
    return this.#appKey;
  }

  /** What it has written, where that can be had. */
  log(): string {
    return '';
  }

  /** A REST call; throws with the problem document when it is not 2xx. */
  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.raw(method, path, body === undefined ? undefined : JSON.stringify(body), {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  raw(
    method: string,
    path: string,
    body?: string | Uint8Array<ArrayBuffer>,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    return fetch(this.#url + path, {
      method,
      headers: { authorization: `Bearer ${this.#appKey}`, ...headers },
      ...(body === undefined ? {} : { body }),
    });
  }

  /** Uploads bytes as a task package or an input file. */
  async upload(kind: 'packages' | 'blobs', bytes: Uint8Array): Promise<{ hash: string; sizeBytes: number }> {
    const response = await this.raw('POST', `/v1/${kind}`, bytes as Uint8Array<ArrayBuffer>, {
      'content-type': 'application/octet-stream',
    });
    if (!response.ok) throw new Error(`upload: ${response.status} ${await response.text()}`);
    return (await response.json()) as { hash: string; sizeBytes: number };
  }

  info(): Promise<NodeInfo> {
    return this.call<NodeInfo>('GET', '/v1/node');
  }

  /** Asks `question` until it answers something, at most `timeoutMs`. */
  async until<T>(what: string, question: () => Promise<T | undefined>, timeoutMs = 60_000): Promise<T> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const answer = await question();
      if (answer !== undefined) return answer;
      if (Date.now() > end)
        throw new Error(`${what}: not within ${timeoutMs} ms\n${this.log().slice(-3000)}`);
      await sleep(50);
    }
  }
}
