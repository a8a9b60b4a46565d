import type { LocalNode } from '../../../scripts/local-node.ts';
import type { ContractWatch } from '../../support/yagna-contract.ts';

export interface Reply<T> {
  readonly status: number;
  readonly body: T;
}

interface Options {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A program that speaks Yagna's API by hand; every answer that it gets is held against the specifications. */
export class YagnaClient {
  readonly node: LocalNode;
  readonly #watch: ContractWatch;

  constructor(node: LocalNode, watch: ContractWatch) {
    this.node = node;
    this.#watch = watch;
  }

  async call<T = unknown>(
    method: string,
    path: string,
    body?: unknown,
    { key = this.node.appKey, headers = {} }: Options = {},
  ): Promise<Reply<T>> {
    const response = await fetch(this.node.url + path, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get('content-type');
    this.#watch.check(method, path, { status: response.status, type, body: text });
    const isJson = type?.startsWith('application/json') === true;
    return { status: response.status, body: (isJson ? JSON.parse(text) : text) as T };
  }

  /** What has to go well. */
  async ok<T>(method: string, path: string, body?: unknown): Promise<T> {
    const reply = await this.call<T>(method, path, body);
    if (reply.status >= 300)
      throw new Error(`${method} ${path}: ${reply.status} ${JSON.stringify(reply.body)}`);
    return reply.body;
  }

  get<T>(path: string): Promise<T> {
    return this.ok('GET', path);
  }

  post<T>(path: string, body?: unknown): Promise<T> {
    return this.ok('POST', path, body);
  }

  /** The first event that is meant, however many polls it takes; whoever names a date goes on from the last one seen. */
  async event<T extends { readonly eventDate?: string }>(
    path: string,
    isMeant: (event: T) => boolean,
    polls = 12,
  ): Promise<T> {
    let next = path;
    for (let poll = 0; poll < polls; poll += 1) {
      const events = await this.get<T[]>(next);
      const found = events.find(isMeant);
      if (found !== undefined) return found;
      next = next.replace(/(?<=afterTimestamp=)[^&]+/, (date) => events.at(-1)?.eventDate ?? date);
    }
    throw new Error(`${path}: the event did not come`);
  }
}
