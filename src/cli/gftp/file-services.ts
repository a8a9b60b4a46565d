import { createHash } from 'node:crypto';
import { fileBlob } from '../upload.ts';
import { saveFile } from '../save-output.ts';
import { idOf } from './gateway.ts';
import { publishedFile } from './published-file.ts';
import { ReceivedFile } from './received-file.ts';
import { Service, type ServiceTools } from './service.ts';

/** A file of this machine, and the gftp URL under which it is served or was fetched. */
export interface FileAtUrl {
  readonly file: string;
  readonly url: string;
}

interface OpenService {
  readonly service: Service;
  /** Until then nobody can be told of its URL. */
  readonly opened: Promise<void>;
}

/** The files of one `gftp`: published, or waited for, as long as it runs. */
export class FileServices {
  readonly #tools: ServiceTools;
  readonly #services = new Map<string, OpenService>();

  constructor(tools: ServiceTools) {
    this.#tools = tools;
  }

  /**
   * The same content has the same URL. Published again, it is read from where it is now, and transfers that are under
   * way go on: programs publish a file anew for each provider that they bring it to.
   */
  async publish(file: string): Promise<FileAtUrl> {
    const { id, components } = await publishedFile(file);
    const known = this.#services.get(id);
    known?.service.serve(components);
    await (known?.opened ?? this.#open(id, new Service(id, components, this.#tools)));
    return { file, url: await this.#tools.gateway.urlOf(id) };
  }

  /** `arrived` resolves when the file is there. */
  async receive(file: string): Promise<FileAtUrl & { readonly arrived: Promise<void> }> {
    const received = new ReceivedFile(file);
    await received.open();
    const service = new Service(received.id, received.components, this.#tools);
    try {
      await this.#open(received.id, service);
    } catch (error) {
      await received.discard();
      throw error;
    }
    const arrived = received.arrived.then(() => this.#close(received.id, service));
    return { file, url: await this.#tools.gateway.urlOf(received.id), arrived };
  }

  /** False when nothing is published or waited for under this URL. */
  async close(url: string): Promise<boolean> {
    const id = idOf(url);
    const known = this.#services.get(id);
    if (known !== undefined) await this.#close(id, known.service);
    return known !== undefined;
  }

  async download(url: string, file: string): Promise<FileAtUrl> {
    const id = idOf(url);
    await saveFile(checked(await this.#tools.gateway.read(url), id), file, id.slice(-12));
    return { file, url };
  }

  async upload(file: string, url: string): Promise<FileAtUrl> {
    await this.#tools.gateway.write(url, await fileBlob(file));
    return { file, url };
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#services].map(([id, { service }]) => this.#close(id, service)));
  }

  async #open(id: string, service: Service): Promise<void> {
    const opened = service.open();
    this.#services.set(id, { service, opened });
    try {
      await opened;
    } catch (error) {
      this.#forget(id, service);
      throw error;
    }
  }

  async #close(id: string, service: Service): Promise<void> {
    this.#forget(id, service);
    await service.close();
  }

  #forget(id: string, service: Service): void {
    if (this.#services.get(id)?.service === service) this.#services.delete(id);
  }
}

/** What a name promises is held to on this side of the daemon, too. */
async function* checked(bytes: AsyncIterable<Uint8Array>, id: string): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha3-256');
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
  const found = hash.digest('hex');
  if (/^[0-9a-f]{64}$/.test(id) && id !== found)
    throw new Error(`what came has the SHA-3 ${found}, not ${id}`);
}
