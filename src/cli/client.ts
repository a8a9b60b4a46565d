import { Type, type Static, type TSchema } from 'typebox';
import { checker } from '../util/check.ts';
import type { Connection } from './connection.ts';
import { CliError, ProblemError } from './errors.ts';

/** Parameters of a URL; undefined ones are left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

const checkProblem = checker(
  Type.Object({
    code: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    remedy: Type.Optional(Type.String()),
    context: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  }),
  'problem',
);

const checkMessage = checker(Type.Object({ message: Type.String() }), 'message');

/** What goes with a request beside its method and path. */
export interface CallOptions {
  readonly query?: Query;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** The daemon's REST interface, as the commands use it. Answers are checked: the URL may be anybody's. */
export class ApiClient {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async get<S extends TSchema>(path: string, schema: S, query?: Query): Promise<Static<S>> {
    return this.#json(await this.request('GET', path, query === undefined ? {} : { query }), schema);
  }

  /** With an Idempotency-Key of its own, `post` may be repeated. */
  async post<S extends TSchema>(
    path: string,
    schema: S,
    body: object = {},
    headers = {},
  ): Promise<Static<S>> {
    return this.#json(await this.request('POST', path, { body, headers }), schema);
  }

  async delete<S extends TSchema>(path: string, schema: S): Promise<Static<S>> {
    return this.#json(await this.request('DELETE', path), schema);
  }

  /** Items of all pages, up to `limit`. */
  async list<S extends TSchema>(path: string, item: S, query: Query, limit: number): Promise<Static<S>[]> {
    const page = Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
    const items: Static<S>[] = [];
    let after: string | undefined;
    do {
      const answer = await this.get(path, page, {
        ...query,
        after,
        limit: Math.min(500, limit - items.length),
      });
      items.push(...answer.items);
      after = answer.next;
    } while (after !== undefined && items.length < limit);
    return items;
  }

  /** A file's content, or a stream of unknown length. */
  async upload<S extends TSchema>(
    path: string,
    content: Blob | ReadableStream,
    schema: S,
    query: Query = {},
  ) {
    const answer = await this.#fetch(this.#url(path, query), {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: content,
      duplex: 'half',
    });
    return this.#json(answer, schema);
  }

  /** A file's content to where its name is given. */
  async put(path: string, content: Blob): Promise<void> {
    await this.#fetch(this.#url(path, {}), {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream' },
      body: content,
      duplex: 'half',
    });
  }

  /** The answer as it is, for streams; throws when it is not 2xx. */
  async request(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const { query = {}, body, headers = {}, signal } = options;
    return this.#fetch(this.#url(path, query), {
      method,
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  }

  async #fetch(url: string, init: RequestInit & { duplex?: 'half' }): Promise<Response> {
    const { appKey, foundIn } = this.#connection;
    const headers = new Headers(init.headers);
    if (appKey !== undefined) headers.set('authorization', `Bearer ${appKey}`);
    let answer: Response;
    try {
      answer = await fetch(url, { ...init, headers });
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      const message = `No daemon answers at ${this.#connection.url} (from ${foundIn}): ${reasonOf(cause)}`;
      throw new CliError('ERR_CLI_DAEMON_NOT_RUNNING', message, { url: this.#connection.url }, { cause });
    }
    if (answer.ok) return answer;
    if (answer.status === 401 && appKey === undefined) {
      throw new CliError('ERR_CLI_NO_APP_KEY', `The daemon at ${this.#connection.url} wants an app-key`);
    }
    throw await problemOf(answer);
  }

  async #json<S extends TSchema>(answer: Response, schema: S): Promise<Static<S>> {
    try {
      return checker(schema, `answer of ${answer.url}`)(await answer.json());
    } catch (cause) {
      const message = `The answer of ${answer.url} is not what was expected: ${reasonOf(cause)}`;
      throw new CliError('ERR_CLI_ANSWER', message, { url: answer.url }, { cause });
    }
  }

  #url(path: string, query: Query): string {
    const url = new URL(this.#connection.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url.href;
  }
}

async function problemOf(answer: Response): Promise<ProblemError | CliError> {
  const text = await answer.text();
  try {
    const { context = {}, ...problem } = checkProblem(JSON.parse(text));
    return new ProblemError(problem, context);
  } catch (cause) {
    const why = yagnaMessage(text) ?? ' without saying why';
    const message = `${answer.url} answered ${answer.status}${why}`;
    return new CliError('ERR_CLI_ANSWER', message, { status: answer.status }, { cause });
  }
}

/** The Yagna-compatible part of the API says no more than this. */
function yagnaMessage(text: string): string | undefined {
  try {
    return `: ${checkMessage(JSON.parse(text)).message}`;
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
