import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { createCipheriv } from 'node:crypto';
import { once } from 'node:events';
import { pipeline } from 'node:stream/promises';

/*
 * The guest side of the mock runtime: one process per run, `program.ts BEHAVIOUR [ARG…]`. It stands for the
 * stranger's program, so it is written as one: it reads its own environment and knows nothing of its host.
 */

type Behaviour = (args: readonly string[]) => Promise<void> | void;

const behaviours: Readonly<Record<string, Behaviour>> = {
  echo: (args) => void process.stdout.write(`${args.join(' ')}\n`),
  complain: (args) => void process.stderr.write(`${args.join(' ')}\n`),
  args: (args) => void process.stdout.write(JSON.stringify(args)),
  // eslint-disable-next-line no-restricted-properties -- a guest program reading the environment that it was given
  env: (args) => void process.stdout.write(process.env[args[0] ?? ''] ?? '(unset)'),
  cat: () => pipeline(process.stdin, process.stdout),
  exit: (args) => {
    process.exitCode = Number(args[0] ?? 0);
  },
  sleep: () => new Promise(() => setInterval(() => undefined, 60_000)),
  // The first argument: milliseconds between two lines.
  tick: async (args) => {
    let tick = 0;
    setInterval(() => process.stdout.write(`tick ${(tick += 1)}\n`), Number(args[0] ?? 20));
    await new Promise(() => undefined);
  },
  stubborn: async () => {
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);
    process.stdout.write('ready\n');
    await new Promise(() => setInterval(() => undefined, 60_000));
  },
  spin: () => {
    for (;;);
  },
  allocate: () => {
    const held: Buffer[] = [];
    for (;;) held.push(Buffer.alloc(1 << 20, 1));
  },
  flood,
  'write-file': (args) => writeFileSync(guestPath(args[0]), args[1] ?? ''),
  'read-file': (args) => pipeline(createReadStream(guestPath(args[0])), process.stdout),
  'package-bytes': () => {
    process.stdout.write(readFileSync('../runtime/package'));
  },
};

/** The working directory is the volume, so `/x` of the guest is `./x` here, and so is `x`. */
function guestPath(path = ''): string {
  return `./${path}`;
}

/** `flood [BYTES]`: that many bytes, or bytes without end; always the same ones, an AES-CTR key stream of zeros. */
async function flood(args: readonly string[]): Promise<void> {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16));
  const zeros = Buffer.alloc(65_536);
  let left = args[0] === undefined ? Infinity : Number(args[0]);
  while (left > 0) {
    const chunk = cipher.update(left < zeros.length ? zeros.subarray(0, left) : zeros);
    left -= chunk.length;
    if (!process.stdout.write(chunk)) await once(process.stdout, 'drain');
  }
}

const [, , name = '', ...args] = process.argv;
const behaviour = behaviours[name];
if (behaviour === undefined) {
  process.stderr.write(`unknown program ${name}\n`);
  process.exitCode = 127;
} else {
  await behaviour(args);
}
