// The tests of the Docker runtime need a real engine: this installs and starts one where it may (Debian, root), and
// says loudly where it may not. `node scripts/docker-engine.mjs` does it by hand.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, openSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensurePackages, onPath } from './system-packages.mjs';

export const SOCKET = '/var/run/docker.sock';
const START_MS = 60_000;
const PACKAGES = {
  dockerd: 'docker.io',
  busybox: 'busybox-static',
  'mkfs.ext4': 'e2fsprogs',
  runsc: 'runsc',
  // Fences of outside networks, and namespaces of the tests.
  iptables: 'iptables',
  ip: 'iproute2',
  // Asks for no rights, unlike busybox's own.
  ping: 'iputils-ping',
  // Compiles the hostile programs of the tests.
  gcc: 'gcc libc6-dev',
};
/** Some machines lack what the plain engine wants: each attempt asks for less. The tests need no network. */
const ATTEMPTS = [
  [],
  ['--iptables=false', '--bridge=none'],
  ['--iptables=false', '--bridge=none', '--storage-driver=vfs'],
];

/** True when an engine answers on the socket. */
export function answers(socketPath = SOCKET) {
  return new Promise((resolve) => {
    const ask = request({ socketPath, path: '/_ping', timeout: 5000 }, (reply) => {
      reply.resume();
      resolve(reply.statusCode === 200);
    });
    ask.on('timeout', () => ask.destroy());
    ask.on('error', () => resolve(false));
    ask.end();
  });
}

/** Makes sure of an engine; returns why there is none, or nothing. */
export async function ensureDockerEngine() {
  const lacking = ensurePackages({ ...PACKAGES, ...compose() });
  const missing = lacking.length > 0 ? `not installed: ${lacking.join(', ')}` : undefined;
  if (await answers()) return missing;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'only root can start an engine';
  if (!onPath('dockerd')) return missing ?? 'dockerd is not installed';
  for (const flags of ATTEMPTS) if (await start(flags)) return missing;
  return `dockerd does not start: see ${logFile()}`;
}

/** Docker's own plugin will do where it is there. */
function compose() {
  const has = spawnSync('docker', ['compose', 'version'], { stdio: 'ignore' }).status === 0;
  return has ? {} : { 'docker-compose': 'docker-compose' };
}

async function start(flags) {
  const log = openSync(logFile(), 'a');
  // It outlives the tests, as a service would.
  const engine = spawn('dockerd', flags, { detached: true, stdio: ['ignore', log, log] });
  engine.on('error', () => undefined);
  engine.unref();
  const deadline = Date.now() + START_MS;
  while (Date.now() < deadline && engine.exitCode === null) {
    if (await answers()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  if (engine.exitCode === null) engine.kill('SIGKILL');
  return false;
}

function logFile() {
  return join(tmpdir(), 'ergon-dockerd.log');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const why = await ensureDockerEngine();
  if (why !== undefined) {
    console.error(`NO DOCKER ENGINE: ${why}`);
    if (existsSync(logFile()))
      console.error(readFileSync(logFile(), 'utf8').split('\n').slice(-5).join('\n'));
    process.exit(1);
  }
  console.log(`a Docker engine answers on ${SOCKET}`);
}
