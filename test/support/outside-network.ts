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
/** The same of IPv6: documentation's addresses are public to nobody. */
export const SERVER_V6 = '2001:db8:9::9';
/** Nobody but this network's own web server has this public address here. */
export const PUBLIC_SERVER_V6 = '2600:9::9';
export const FORBIDDEN_V6 = ['fd00:ec2::254', 'fd99::88', '64:ff9b::a9fe:a9fe'] as const;
const GATEWAY = '198.18.77.1';
const SUBNET = '198.18.77.0/24';
const GATEWAY_V6 = '2001:db8:77::1';
const SUBNET_V6 = '2001:db8:77::/64';

const SERVE = `
  const { createServer } = require('node:http');
  const body = Buffer.alloc(${BODY_BYTES}, 'a');
  createServer((request, response) => {
    request.resume().on('end', () => response.end(request.method === 'GET' ? body : 'thanks'));
  }).listen(${PORT}, '::', () => console.log('listening'));
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
    inside('address', 'add', `${GATEWAY_V6}/64`, 'dev', far, 'nodad');
    for (const address of [SERVER, ...FORBIDDEN]) inside('address', 'add', `${address}/32`, 'dev', 'lo');
    for (const address of [SERVER_V6, PUBLIC_SERVER_V6, ...FORBIDDEN_V6])
      inside('address', 'add', `${address}/128`, 'dev', 'lo', 'nodad');
    for (const device of ['lo', far]) inside('link', 'set', device, 'up');
    const args = ['netns', 'exec', this.name, process.execPath, '-e', SERVE];
    this.#server = spawn('ip', args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(this.#server.stdout!, 'data');
    const { status, body } = await engineReply('POST', '/networks/create', undefined, {
      Name: this.name,
      Driver: 'macvlan',
      Options: { parent: this.#link },
      EnableIPv6: true,
      IPAM: {
        Config: [
          { Subnet: SUBNET, Gateway: GATEWAY },
          { Subnet: SUBNET_V6, Gateway: GATEWAY_V6 },
        ],
      },
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
  case $a in *:*) host="[$a]" ;; *) host=$a ;; esac
  busybox timeout 3 wget -q -O /dev/null "http://$host:${PORT}/" && echo "$a yes" || echo "$a no"
done`;
export const reached = (addresses: readonly string[], answer: 'yes' | 'no'): string =>
  addresses.map((address) => `${address} ${answer}\n`).join('');
