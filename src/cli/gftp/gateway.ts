import { Type } from 'typebox';
import { WebSocket } from 'ws';
import { ApiClient } from '../client.ts';
import type { Connection } from '../connection.ts';
import { CliError } from '../errors.ts';

const Me = Type.Object({ identity: Type.String({ pattern: '^0x[0-9a-f]{40}$' }) });
const Bound = Type.Object({ servicesId: Type.String({ pattern: '^[A-Za-z0-9_-]{1,256}$' }) });
const SUBPROTOCOL = 'gsb+flexbuffers';
const GFTP_URL = /^gftp:\/\/(0x[0-9a-fA-F]{40})\/([A-Za-z0-9_-]{1,256})$/;

/** The daemon, as far as files of this process go through it. */
export class Gateway {
  readonly #connection: Connection;
  readonly #client: ApiClient;
  #me: Promise<string> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#client = new ApiClient(connection);
  }

  /** The URL under which others find the file `id` of this node. */
  async urlOf(id: string): Promise<string> {
    this.#me ??= this.#client.get('/me', Me).then(({ identity }) => identity);
    const asked = this.#me;
    const me = await asked.catch((error: unknown) => {
      this.#me = undefined;
      throw error;
    });
    return `gftp://${me}/${id}`;
  }

  /** Binds the name `id` of this node; what is bound is asked over a socket. */
  async bind(id: string, components: readonly string[]): Promise<string> {
    const body = { listen: { on: `/public/gftp/${id}`, components } };
    return (await this.#client.post('/gsb-api/v1/services', Bound, body)).servicesId;
  }

  /** The socket of what was bound; it still has to open. */
  connect(servicesId: string): WebSocket {
    const { url, appKey } = this.#connection;
    const address = `${url.replace(/^http/, 'ws')}/gsb-api/v1/services/${servicesId}`;
    const headers = appKey === undefined ? {} : { authorization: `Bearer ${appKey}` };
    return new WebSocket(address, SUBPROTOCOL, { perMessageDeflate: false, headers });
  }

  async unbind(servicesId: string): Promise<void> {
    await this.#client.request('DELETE', `/gsb-api/v1/services/${servicesId}`);
  }

  /** The bytes of a file that some client of this node publishes. */
  async read(url: string): Promise<AsyncIterable<Uint8Array>> {
    const answer = await this.#client.request('GET', pathOf(url));
    return answer.body ?? emptyFile();
  }

  /** Sends the content to the client of this node that waits for a file under this URL. */
  async write(url: string, content: Blob): Promise<void> {
    await this.#client.put(pathOf(url), content);
  }
}

async function* emptyFile(): AsyncGenerator<Uint8Array> {
  // Nothing.
}

/** @throws CliError ERR_CLI_ARGUMENT */
export function idOf(url: string): string {
  const [, , id] = GFTP_URL.exec(url) ?? [];
  if (id === undefined)
    throw new CliError('ERR_CLI_ARGUMENT', `"${url}" is no URL like gftp://0x…/…`, { url });
  return id;
}

function pathOf(url: string): string {
  const [, node] = GFTP_URL.exec(url) ?? [];
  return `/gsb-api/v1/gftp/${node ?? ''}/${idOf(url)}`;
}
