import { createHash } from 'node:crypto';
import { fileBlob } from '../upload.ts';
import { saveFile } from '../save-output.ts';
import { idOf } from './gateway.ts';
import { publishedFile } from './published-file.ts';
import { ReceivedFile } from './received-file.ts';
import { Service, type ServiceTools } from './service.ts';

export interface FileAtUrl {
  readonly file: string;
  readonly url: string;
}

/** The files of one `gftp`: published, or waited for, as long as it runs. */
export class Shelf {
  readonly #tools: ServiceTools;
  readonly #services = new Map<string, Service>();

  constructor(tools: ServiceTools) {
    this.#tools = tools;
  }

  /** The same content has the same URL; whoever publishes it anew is asked from then on. */
  async publish(file: string): Promise<FileAtUrl> {
    const { id, components } = await publishedFile(file);
    await this.#open(id, new Service(id, components, this.#tools));
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
    const service = this.#services.get(id);
    if (service !== undefined) await this.#close(id, service);
    return service !== undefined;
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
    await Promise.all([...this.#services].map(([id, service]) => this.#close(id, service)));
  }

  async #open(id: string, service: Service): Promise<void> {
    await service.open();
    const before = this.#services.get(id);
    this.#services.set(id, service);
    await before?.close();
  }

  async #close(id: string, service: Service): Promise<void> {
    if (this.#services.get(id) === service) this.#services.delete(id);
    await service.close();
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
