import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe } from 'vitest';
import { createRuntime } from '../../runtimes/docker/index.ts';
import type { ExeUnitRuntime, RunCommand, RuntimeDescriptor } from '../../src/interface/exe-unit-runtime.ts';
import { systemClock } from '../../src/util/clock.ts';
import { silentLogger } from '../../src/util/silent-logger.ts';
import { tarOf } from './tar.ts';

const SOCKET = '/var/run/docker.sock';
const BUSYBOX = ['/bin/busybox', '/usr/bin/busybox'].find(existsSync);
const APPLETS = [
  ...[
    'sh',
    'awk',
    'cat',
    'dd',
    'echo',
    'false',
    'head',
    'id',
    'ls',
    'mkdir',
    'dmesg',
    'mv',
    'mknod',
    'mount',
    'ping',
  ],
  ...[
    'printenv',
    'ps',
    'rm',
    'seq',
    'setsid',
    'sleep',
    'touch',
    'true',
    'wget',
    'yes',
    'kill',
    'tail',
    'chmod',
  ],
];

/** Why the tests that need the engine cannot run; undefined when they can. */
export async function whyNoEngine(socketPath = SOCKET): Promise<string | undefined> {
  if (BUSYBOX === undefined) return 'there is no static busybox (Debian: busybox-static)';
  if ((await engineCall('GET', '/_ping', socketPath).catch(() => 0)) === 200) return undefined;
  return `no engine answers on ${socketPath} (node scripts/docker-engine.mjs starts one)`;
}

/** Asks the engine over its socket, beside everything that is tested; gives the HTTP status. */
export function engineCall(method: string, path: string, socketPath = SOCKET): Promise<number> {
  return engineReply(method, path, socketPath).then(({ status }) => status);
}

export function engineReply(
  method: string,
  path: string,
  socketPath = SOCKET,
  content?: Readonly<Record<string, unknown>>,
): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const headers = content === undefined ? {} : { 'content-type': 'application/json' };
    const ask = request({ socketPath, method, path, headers, timeout: 60_000, agent: false }, (reply) => {
      let body = '';
      reply.setEncoding('utf8');
      reply.on('data', (text: string) => (body += text));
      reply.on('end', () => resolve({ status: reply.statusCode ?? 0, body }));
      reply.on('error', reject);
    });
    ask.on('timeout', () => ask.destroy(new Error('timeout')));
    ask.on('error', reject);
    ask.end(content === undefined ? undefined : JSON.stringify(content));
  });
}

const reason = await whyNoEngine();
if (reason !== undefined) console.error(`\n*** SKIPPED: the tests of the Docker runtime: ${reason} ***\n`);

/** Tests that need the engine. Without one they are skipped, loudly; in CI they fail instead. */
export const describeDocker = describe.skipIf(reason !== undefined && process.env['CI'] === undefined);

export const dockerDescriptor: RuntimeDescriptor = JSON.parse(
  readFileSync(new URL('../../runtimes/docker/descriptor.json', import.meta.url), 'utf8'),
);

export function dockerRuntime(options: Record<string, unknown> = {}): ExeUnitRuntime {
  return createRuntime(options, { descriptor: dockerDescriptor, clock: systemClock(), logger: silentLogger });
}

/** A root file system with busybox and nothing else. */
export function busyboxImage(extra: Parameters<typeof tarOf>[0] = []): Buffer {
  return tarOf([
    { name: 'bin/', type: '5', mode: 0o755 },
    { name: 'bin/busybox', body: readFileSync(BUSYBOX ?? '/bin/busybox'), mode: 0o755 },
    ...APPLETS.map((applet) => ({ name: `bin/${applet}`, type: '2', link: 'busybox' })),
    { name: 'etc/', type: '5', mode: 0o755 },
    {
      name: 'etc/passwd',
      body: Buffer.from('root:x:0:0::/:/bin/sh\nuser:x:1000:1000::/golem/work:/bin/sh\n'),
    },
    ...extra,
  ]);
}

/** A directory with a package and, to be made, an activity's work directory. */
export interface Place {
  readonly root: string;
  readonly workDir: string;
  readonly packagePath: string;
}

export function makePlace(image: Buffer = busyboxImage()): Place {
  const root = mkdtempSync(join(tmpdir(), 'ergon-docker-'));
  const packagePath = join(root, 'image.tar');
  writeFileSync(packagePath, image);
  return { root, packagePath, workDir: join(root, 'activities', 'work') };
}

export function removePlace({ root }: Place): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  // Of a test that has failed.
  for (const mount of mounts.map((line) => line.split(' ')[4] ?? '')) {
    if (mount.startsWith(`${root}/`)) spawnSync('umount', ['--lazy', mount]);
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5 });
}

export function shell(script: string, ...args: string[]): Pick<RunCommand, 'entryPoint' | 'args'> {
  return { entryPoint: 'sh', args: ['-c', script, 'sh', ...args] };
}

const PRINT_JSON = String.raw`BEGIN {
  printf "[";
  for (i = 1; i < ARGC; i++) {
    printf "%s\"", (i > 1 ? "," : "");
    for (j = 1; j <= length(ARGV[i]); j++) {
      c = substr(ARGV[i], j, 1);
      if (c == "\n") printf "\\n"; else if (c == "\\" || c == "\"") printf "\\%s", c; else printf "%s", c;
    }
    printf "\"";
  }
  printf "]";
}`;

/** The compliance suite's programs, in busybox. */
export function busyboxProgram(behaviour: string, args: string[]): Pick<RunCommand, 'entryPoint' | 'args'> {
  switch (behaviour) {
    case 'echo':
    case 'cat':
      return { entryPoint: behaviour, args };
    case 'complain':
      return shell('echo "$@" >&2', ...args);
    case 'args':
      return { entryPoint: 'awk', args: [PRINT_JSON, ...args] };
    case 'env':
      return shell('eval "printf %s \\"\\$$1\\""', ...args);
    case 'exit':
      return shell('exit "$1"', ...args);
    case 'flood':
      return args.length === 0
        ? { entryPoint: 'cat', args: ['/dev/zero'] }
        : { entryPoint: 'head', args: ['-c', ...args, '/dev/zero'] };
    case 'spin':
      return shell('while :; do :; done');
    case 'sleep':
      return { entryPoint: 'sleep', args: ['1000000'] };
    case 'write-file':
      return shell('printf %s "$2" > "$1"', ...args);
    case 'read-file':
      return { entryPoint: 'cat', args };
    case 'allocate':
      return { entryPoint: 'dd', args: ['if=/dev/zero', 'of=/dev/null', 'bs=1G', 'count=1'] };
    case 'fill-disk':
      return shell('cat /dev/zero > "$1"', ...args);
    default:
      throw new Error(`no program for ${behaviour}`);
  }
}
