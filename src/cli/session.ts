import type { Config, LoadConfigInit } from '../config/index.ts';
import type { ApiClient } from './client.ts';
import { table, type Column } from './table.ts';
import type { Token } from './format.ts';
import { write, type Io } from './io.ts';
import { NodeView } from './views.ts';

/** Options of every command. */
export interface CommonOptions {
  readonly url?: string;
  readonly appKey?: string;
  readonly dataDir?: string;
  readonly config?: string;
  readonly json?: boolean;
}

/** What a command works with. Nothing is loaded or asked before it is needed. */
export class Session {
  readonly io: Io;
  readonly options: CommonOptions;
  #client: ApiClient | undefined;

  constructor(io: Io, options: CommonOptions) {
    this.io = io;
    this.options = options;
  }

  get json(): boolean {
    return this.options.json === true;
  }

  async config(): Promise<Config> {
    const { loadConfig } = await import('../config/index.ts');
    return loadConfig(this.#configInit());
  }

  /** Where the node keeps its things, whatever else is wrong with its configuration. */
  async dataDir(): Promise<string> {
    const { loadDataDir } = await import('../config/index.ts');
    return loadDataDir(this.#configInit());
  }

  async client(): Promise<ApiClient> {
    if (this.#client !== undefined) return this.#client;
    const [{ ApiClient: Client }, { findDaemon }] = await Promise.all([
      import('./client.ts'),
      import('./connection.ts'),
    ]);
    this.#client = new Client(await findDaemon(this.options, this.io.environment, () => this.dataDir()));
    return this.#client;
  }

  /** How the daemon's payment platforms write their amounts. */
  async tokens(): Promise<readonly Token[]> {
    return (await (await this.client()).get('/v1/node', NodeView)).platforms;
  }

  /** The value for programs, or the text for people. */
  async print(value: unknown, text: () => string | Promise<string>): Promise<void> {
    await this.line(this.json ? JSON.stringify(value, undefined, 2) : await text());
  }

  /** A list: JSON, or a table with a word for an empty one. */
  async printList<T>(rows: readonly T[], columns: readonly Column<T>[], none: string): Promise<void> {
    const { stdout, stderr } = this.io;
    if (!this.json && rows.length === 0) await write(stderr, `${none}\n`);
    else await this.print(rows, () => table(stdout, rows, columns));
  }

  async line(text: string): Promise<void> {
    await write(this.io.stdout, `${text}\n`);
  }

  /** For people only; stdout stays clean for pipes. */
  async note(text: string): Promise<void> {
    if (!this.json) await write(this.io.stderr, `${text}\n`);
  }

  #configInit(): LoadConfigInit {
    const { dataDir, config: file } = this.options;
    return {
      ...(dataDir !== undefined && { argvFlags: { dataDir } }),
      ...(file !== undefined && { file }),
    };
  }
}
