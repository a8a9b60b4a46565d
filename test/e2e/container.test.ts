import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalNode, type NodeInfo } from '../../scripts/local-node.ts';
import type { TaskRecord } from '../../src/interface/index.ts';
import { describeDocker } from '../support/docker-engine.ts';
import { WORKLOAD } from '../support/workload.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

/** A base image of this machine's own Node and its libraries: no registry is needed. */
function importBaseImage(tag: string): void {
  const tree = mkdtempSync(join(tmpdir(), 'ergon-base-'));
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(join(tree, to)), { recursive: true });
    copyFileSync(realpathSync(from), join(tree, to));
  };
  put(process.execPath, '/usr/bin/node');
  for (const [library] of execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).matchAll(/\/[^ ]+/g))
    put(library, library);
  put('/bin/busybox', '/bin/sh');
  mkdirSync(join(tree, 'etc'));
  writeFileSync(join(tree, 'etc/passwd'), 'ergon:x:1000:1000::/data:/bin/sh\n');
  mkdirSync(join(tree, 'tmp'));
  chmodSync(join(tree, 'tmp'), 0o1777);
  execFileSync('sh', ['-c', `tar -C "$1" -c . | docker import - "$2"`, 'sh', tree, tag]);
  rmSync(tree, { recursive: true, force: true });
}

describeDocker('the daemon in a container', () => {
  const name = `ergon-e2e-${String(process.pid)}`;
  let dir: string;
  let requestor: LocalNode | undefined;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ergon-container-'));
    importBaseImage(`${name}-base`);
    const image = join(root, 'scripts/image.mjs');
    const built = spawnSync(process.execPath, [image, '--base', `${name}-base`, '--tag', name], {
      encoding: 'utf8',
    });
    if (built.status !== 0) throw new Error(`the image was not built:\n${built.stdout}${built.stderr}`);
    docker(
      ...['run', '-d', '--name', name, '--network', 'host', '-v', `${name}:/data`],
      ...['-e', 'ERGON_API_PORT=0', '-e', 'ERGON_API_HOST=127.0.0.1', '-e', 'ERGON_NETWORK_MDNS=false'],
      ...['-e', 'ERGON_NETWORK_LISTEN=["/ip4/127.0.0.1/tcp/0"]', name],
    );
  }, 240_000);
  afterAll(async () => {
    await requestor?.stop();
    spawnSync('docker', ['rm', '-f', '-v', name]);
    spawnSync('docker', ['volume', 'rm', name]);
    spawnSync('docker', ['rmi', '-f', name, `${name}-base`]);
    await rm(dir, { recursive: true, force: true });
  }, 60_000);

  const info = async (): Promise<NodeInfo> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const asked = spawnSync(
        'docker',
        ['exec', name, 'node', '/opt/ergon/dist/src/cli/main.js', 'status', '--json'],
        {
          encoding: 'utf8',
        },
      );
      if (asked.status === 0) return JSON.parse(asked.stdout) as NodeInfo;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(docker('logs', name));
  };

  const runTask = async (node: LocalNode): Promise<TaskRecord> => {
    const { hash } = await node.upload('packages', await readFile(WORKLOAD));
    const { taskId } = await node.call<TaskRecord>('POST', '/v1/tasks', { package: hash, args: ['hello'] });
    return node.until('the task', async () => {
      const task = await node.call<TaskRecord>('GET', `/v1/tasks/${taskId}`);
      return ['Succeeded', 'Failed'].includes(task.state) ? task : undefined;
    });
  };

  it('runs as a user of its own, sells, and is the same node with the same books after a restart', async () => {
    const seller = await info();
    expect(docker('exec', name, 'node', '-p', 'process.getuid()')).toBe('1000');
    requestor = await LocalNode.start(join(dir, 'requestor'), {
      provider: { enabled: false },
      network: { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, bootstrap: seller.multiaddrs },
    });
    expect((await runTask(requestor)).state).toBe('Succeeded');

    docker('restart', '-t', '20', name);
    const again = await info();
    expect(again.address).toBe(seller.address);
    const agreements = JSON.parse(
      docker('exec', name, 'node', '/opt/ergon/dist/src/cli/main.js', 'agreement', 'list', '--json'),
    ) as unknown[];
    expect(agreements).toHaveLength(1);
  }, 180_000);

  it('says that it is healthy', async () => {
    const health = (): string => docker('inspect', '-f', '{{.State.Health.Status}}', name);
    for (let tries = 0; tries < 200 && health() === 'starting'; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 200));
    expect(health()).toBe('healthy');
  });
});
