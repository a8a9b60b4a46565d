import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { WebSocket } from 'ws';
import { HERE, type LocalNode, type Place } from '../../scripts/local-node.ts';

/** On this machine, by a Node that can be looked into. */
export const INSPECTED: Place = {
  ...HERE,
  command: ([node = '', ...line]) => [node, '--inspect=127.0.0.1:0', ...line],
};

/** What is alive after a full collection. */
export interface LiveHeap {
  /** Objects, functions, promises, maps …: a number that compiled code does not blur. */
  readonly objects: number;
  /** Of the program's data, within the heap and outside: compiled code comes and goes as it likes. */
  readonly bytes: number;
}

const DATA_BYTES = `process.memoryUsage().external + process.getBuiltinModule('v8').getHeapSpaceStatistics()
  .filter(({ space_name: name }) => /^(new|old|new_large_object|large_object)_space$/.test(name))
  .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)`;
/** What is under way while it is looked at is no growth: the least of a few looks counts. */
const LOOKS = 3;

interface Answer {
  readonly id: number;
  readonly result: unknown;
  readonly error?: { readonly message: string };
}

/**
 * Looks into a running daemon by Node's inspector; see https://chromedevtools.github.io/devtools-protocol/v8/.
 */
export class HeapInspector {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #lastId = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on('message', (data: Buffer) => {
      const answer = JSON.parse(data.toString()) as Answer;
      this.#waiting.get(answer.id)?.(answer);
      this.#waiting.delete(answer.id);
    });
  }

  /** To a node that was started with `INSPECTED`. */
  static async attach(node: LocalNode): Promise<HeapInspector> {
    const [, url = ''] = /^Debugger listening on (ws:\S+)$/m.exec(node.log()) ?? [];
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, 'open');
    return new HeapInspector(socket);
  }

  async live(): Promise<LiveHeap> {
    const looks: LiveHeap[] = [];
    for (let look = 0; look < LOOKS; look += 1) looks.push(await this.#look());
    return {
      objects: Math.min(...looks.map(({ objects }) => objects)),
      bytes: Math.min(...looks.map(({ bytes }) => bytes)),
    };
  }

  close(): void {
    this.#socket.terminate();
  }

  async #look(): Promise<LiveHeap> {
    const objects = await this.#countObjects();
    await this.#send('HeapProfiler.collectGarbage');
    const { result } = await this.#send<{ result: { value: number } }>('Runtime.evaluate', {
      expression: DATA_BYTES,
    });
    return { objects, bytes: result.value };
  }

  /** Collects first, by itself. */
  async #countObjects(): Promise<number> {
    const group = { objectGroup: 'counted' };
    const { result: prototype } = await this.#send<{ result: { objectId: string } }>('Runtime.evaluate', {
      expression: 'Object.prototype',
      ...group,
    });
    const { objects } = await this.#send<{ objects: { objectId: string } }>('Runtime.queryObjects', {
      prototypeObjectId: prototype.objectId,
      ...group,
    });
    const { result } = await this.#send<{ result: { value: number } }>('Runtime.callFunctionOn', {
      objectId: objects.objectId,
      functionDeclaration: 'function () { return this.length; }',
    });
    await this.#send('Runtime.releaseObjectGroup', group);
    return result.value;
  }

  async #send<Result>(method: string, params: object = {}): Promise<Result> {
    const id = (this.#lastId += 1);
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(id, resolve));
    this.#socket.send(JSON.stringify({ id, method, params }));
    const { result, error } = await answered;
    if (error !== undefined) throw new Error(`${method}: ${error.message}`);
    return result as Result;
  }
}

/** What the process holds for itself: files that are mapped into it (the books) do not count. */
export function anonymousBytes(pid: number): number {
  const [, kilobytes = '0'] =
    /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1024;
}
