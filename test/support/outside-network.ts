import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { engineReply } from './docker-engine.ts';

const ip = (...args: string[]): void =>
  void execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });

export const BODY_BYTES = 3 << 20;
export const PORT = 8080;
/** The one that tests take for the public internet. Whoever listens there answers on all the others too. */
export const SERVER = '203.0.113.9';
/** A cloud's metadata service, and two neighbours. */
export const FORBIDDEN = ['169.254.169.254', '10.99.88.77', '192.168.99.88'] as const;
const GATEWAY = '198.18.77.1';
const SUBNET = '198.18.77.0/24';

const SERVE = `
  const { createServer } = require('node:http');
  const body = Buffer.alloc(${BODY_BYTES}, 'a');
  createServer((request, response) => {
    request.resume().on('end', () => response.end(request.method === 'GET' ? body : 'thanks'));
  }).listen(${PORT}, '0.0.0.0', () => console.log('listening'));
`;

/**
 * A network of the engine that leads into a network namespace of our own, where a web server has addresses of all
 * kinds: containers have a way to each, and no packet leaves this machine, or reaches its own.
 */
export class OutsideNetwork {
  readonly name: string;
  readonly #link: string;
  #server: ChildProcess | undefined;

  constructor() {
    this.name = `ergon-outside-${process.pid}`;
    // 15 characters are all that a device's name may have.
    this.#link = `eo${process.pid}`;
  }

  async open(): Promise<void> {
    const far = `${this.#link}f`;
    ip('netns', 'add', this.name);
    ip('link', 'add', this.#link, 'type', 'veth', 'peer', 'name', far, 'netns', this.name);
    ip('link', 'set', this.#link, 'up');
    const inside = (...args: string[]): void => ip('-n', this.name, ...args);
    inside('address', 'add', `${GATEWAY}/24`, 'dev', far);
    for (const address of [SERVER, ...FORBIDDEN]) inside('address', 'add', `${address}/32`, 'dev', 'lo');
    for (const device of ['lo', far]) inside('link', 'set', device, 'up');
    const args = ['netns', 'exec', this.name, process.execPath, '-e', SERVE];
    this.#server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#server.stdout!, 'data');
    const { status, body } = await engineReply('POST', '/networks/create', undefined, {
      Name: this.name,
      Driver: 'macvlan',
      Options: { parent: this.#link },
      IPAM: { Config: [{ Subnet: SUBNET, Gateway: GATEWAY }] },
    });
    if (status !== 201) throw new Error(`the engine makes no network: ${body}`);
  }

  async close(): Promise<void> {
    await engineReply('DELETE', `/networks/${this.name}`);
    if (this.#server !== undefined) {
      this.#server.kill('SIGKILL');
      await once(this.#server, 'exit');
    }
    ip('link', 'delete', this.#link);
    ip('netns', 'delete', this.name);
  }
}

/** Says of each address whether a web server answers there. (The time limit of busybox's wget itself may crash it.) */
export const REACH = `for a in "$@"; do
  busybox timeout 3 wget -q -O /dev/null "http://$a:${PORT}/" && echo "$a yes" || echo "$a no"
done`;
export const reached = (addresses: readonly string[], answer: 'yes' | 'no'): string =>
  addresses.map((address) => `${address} ${answer}\n`).join('');
