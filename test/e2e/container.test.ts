import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LocalNode, type NodeInfo } from '../../scripts/local-node.ts';
import type { ActivityRecord, InvoiceRecord, TaskRecord } from '../../src/interface/index.ts';
import { busyboxImage, describeDocker, engineReply } from '../support/docker-engine.ts';
import { WORKLOAD } from '../support/workload.ts';

const SOCKET = '/var/run/docker.sock';
const root = fileURLToPath(new URL('../..', import.meta.url));
const CLI = ['node', '/opt/ergon/dist/src/cli/main.js'];
const docker = (...args: string[]): string => execFileSync('docker', args, { encoding: 'utf8' }).trim();

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

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
  for (const applet of ['sh', 'mkfifo']) put('/bin/busybox', `/bin/${applet}`);
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
      // What compose.yaml shows: the host's engine, control groups and numbers of processes.
      ...['-v', `${SOCKET}:${SOCKET}`, '--group-add', String(statSync(SOCKET).gid)],
      ...['-v', '/sys/fs/cgroup:/host/cgroup:ro', '--pid', 'host'],
      ...['-e', 'ERGON_RUNTIMES_DOCKER_CGROUP_ROOT=/host/cgroup'],
      ...['-e', 'ERGON_API_PORT=0', '-e', 'ERGON_API_HOST=127.0.0.1', '-e', 'ERGON_NETWORK_MDNS=false'],
      // The same after a restart, so that its peers find it again.
      ...['-e', `ERGON_NETWORK_LISTEN=["/ip4/127.0.0.1/tcp/${await freePort()}"]`, name],
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
      const asked = spawnSync('docker', ['exec', name, ...CLI, 'status', '--json'], {
        encoding: 'utf8',
      });
      if (asked.status === 0) return JSON.parse(asked.stdout) as NodeInfo;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error(docker('logs', name));
  };

  const ended = (node: LocalNode, taskId: string): Promise<TaskRecord> =>
    node.until(
      'the task',
      async () => {
        const task = await node.call<TaskRecord>('GET', `/v1/tasks/${taskId}`);
        return ['Succeeded', 'Failed'].includes(task.state) ? task : undefined;
      },
      120_000,
    );

  const containersOf = async (address: string): Promise<unknown[]> => {
    const filters = encodeURIComponent(JSON.stringify({ label: [`ergon.node=${address}`] }));
    return JSON.parse(
      (await engineReply('GET', `/containers/json?all=1&filters=${filters}`)).body,
    ) as unknown[];
  };
  const noContainers = (address: string): Promise<unknown> =>
    expect.poll(() => containersOf(address), { timeout: 60_000 }).toEqual([]);

  const runTask = async (node: LocalNode): Promise<TaskRecord> => {
    const { hash } = await node.upload('packages', await readFile(WORKLOAD));
    const { taskId } = await node.call<TaskRecord>('POST', '/v1/tasks', { package: hash, args: ['hello'] });
    return ended(node, taskId);
  };

  it('runs as a user of its own, and sells', async () => {
    const seller = await info();
    expect(docker('exec', name, 'node', '-p', 'process.getuid()')).toBe('1000');
    requestor = await LocalNode.start(join(dir, 'requestor'), {
      provider: { enabled: false },
      network: { listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, bootstrap: seller.multiaddrs },
    });
    expect((await runTask(requestor)).state).toBe('Succeeded');
  }, 180_000);

  it('sells Docker on the host’s engine, with all limits, and sells none where it could not meter', async () => {
    const node = requestor!;
    const seller = await info();
    const { hash } = await node.upload('packages', busyboxImage());
    const { taskId } = await node.call<TaskRecord>('POST', '/v1/tasks', {
      package: hash,
      runtime: 'docker',
      entryPoint: 'sh',
      args: ['-c', 'id -u; echo out > /golem/output/o; exec 3> big; rm big; yes >&3'],
      outputs: ['/golem/output/o'],
      limits: { memoryBytes: 32 << 20, storageBytes: 8 << 20, wallTimeMs: 60_000 },
      maxAttempts: 1,
    });
    const task = await ended(node, taskId);
    // A file that has no name any more is found too, since the container shares the host's numbers of processes.
    expect(task).toMatchObject({
      state: 'Failed',
      reason: { message: expect.stringMatching(/storage|disk/) },
    });
    await noContainers(seller.address);
    const blind = spawnSync(
      'docker',
      [
        'exec',
        '-e',
        'ERGON_RUNTIMES_DOCKER_CGROUP_ROOT=/sys/fs/cgroup',
        name,
        ...CLI,
        'runtime',
        'list',
        '--json',
      ],
      { encoding: 'utf8' },
    );
    const view = (JSON.parse(blind.stdout) as { name: string }[]).find((one) => one.name === 'docker');
    expect(view).toMatchObject({
      available: false,
      notes: expect.arrayContaining([expect.stringContaining('/host/cgroup')]),
    });
  }, 120_000);

  it('is the same node after a restart, but loses what runs: ended honestly, billed, nothing left', async () => {
    const node = requestor!;
    const seller = await info();
    const { hash } = await node.upload('packages', busyboxImage());
    const { taskId } = await node.call<TaskRecord>('POST', '/v1/tasks', {
      package: hash,
      runtime: 'docker',
      entryPoint: 'sh',
      args: ['-c', 'echo up; i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo worked; sleep 60'],
      limits: { memoryBytes: 32 << 20, storageBytes: 8 << 20, wallTimeMs: 90_000 },
      maxAttempts: 1,
    });
    await node.until('it has worked', async () => {
      const log = await node.raw('GET', `/v1/tasks/${taskId}/logs?stream=stdout`, undefined, {
        accept: 'application/octet-stream',
      });
      return log.ok && (await log.text()).includes('worked') ? true : undefined;
    });
    expect(await containersOf(seller.address)).toHaveLength(1);
    docker('restart', '-t', '20', name);
    expect((await info()).address).toBe(seller.address);
    const agreements = JSON.parse(docker('exec', name, ...CLI, 'agreement', 'list', '--json')) as unknown[];
    expect(agreements).toHaveLength(3);
    const task = await ended(node, taskId);
    expect(task).toMatchObject({ state: 'Failed', attempts: [{ number: 1 }] });
    const { activityId, agreementId } = task.attempts[0]!;
    expect(await node.call<ActivityRecord>('GET', `/v1/activities/${activityId}`)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'SupervisorLost' },
    });
    await noContainers(seller.address);
    const invoice = await node.until('the invoice', async () => {
      const { items } = await node.call<{ items: InvoiceRecord[] }>(
        'GET',
        `/v1/invoices?agreement=${agreementId}`,
      );
      return items[0]?.state === 'Settled' ? items[0] : undefined;
    });
    expect(BigInt(invoice.invoice.amount)).toBeGreaterThan(0n);
  }, 180_000);

  it('says that it is healthy', async () => {
    const health = (): string => docker('inspect', '-f', '{{.State.Health.Status}}', name);
    for (let tries = 0; tries < 200 && health() === 'starting'; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 200));
    expect(health()).toBe('healthy');
  });
});
