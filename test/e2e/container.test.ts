import { once } from 'node:events';
import { statSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { NodeClient, type NodeInfo } from '../../scripts/node-client.ts';
import type { ActivityRecord, InvoiceRecord, TaskRecord } from '../../src/interface/index.ts';
import { Compose, say } from '../support/compose.ts';
import { DaemonImage } from '../support/daemon-image.ts';
import { busyboxImage, describeDocker, engineReply } from '../support/docker-engine.ts';
import { WORKLOAD } from '../support/workload.ts';

const MB = 1_000_000;
const SELLER = 'docker-provider';
const SERVICES = ['provider', SELLER, 'requestor'];
const LIMITS = { memoryBytes: 32 << 20, storageBytes: 8 << 20, wallTimeMs: 90_000 };

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return String(port);
}

describeDocker('compose.yaml: the daemon in containers', () => {
  const project = `ergon-e2e-${String(process.pid)}`;
  const image = new DaemonImage(project);
  const requestor = new NodeClient();
  let dir: string;
  let compose: Compose;

  beforeAll(async () => {
    image.build();
    dir = await mkdtemp(join(tmpdir(), 'ergon-compose-'));
    const over = join(dir, 'short-grace.json');
    const environment = { ERGON_RUNTIMES_DOCKER_ORPHAN_GRACE_SECONDS: 5 };
    writeFileSync(over, JSON.stringify({ services: { [SELLER]: { environment } } }));
    const apiPort = await freePort();
    const env = {
      ERGON_IMAGE: image.tag,
      DOCKER_GID: String(statSync('/var/run/docker.sock').gid),
      PROVIDER_P2P_PORT: await freePort(),
      PROVIDER_API_PORT: await freePort(),
      DOCKER_PROVIDER_P2P_PORT: await freePort(),
      DOCKER_PROVIDER_API_PORT: await freePort(),
      REQUESTOR_API_PORT: apiPort,
    };
    compose = new Compose(project, env, [over]);
    await compose.run('up', '-d');
    const key = await requestor.until('the app-key', async () => {
      const asked = await compose.try(
        'exec',
        '-T',
        'requestor',
        'node',
        '-p',
        `fs.readFileSync('/data/app-key','utf8')`,
      );
      return asked.status === 0 ? asked.stdout.trim() : undefined;
    });
    requestor.reachAt(`http://127.0.0.1:${apiPort}`, key);
    await requestor.until('the node', () => requestor.info().catch(() => undefined));
  }, 240_000);
  afterAll(async () => {
    await compose.try('down', '-v', '-t', '1');
    image.remove();
    await rm(dir, { recursive: true, force: true });
  });

  const seller = (): Promise<NodeInfo> =>
    requestor.until('the seller', async () => {
      const asked = await compose.try('exec', '-T', SELLER, 'ergon', 'status', '--json');
      return asked.status === 0 ? (JSON.parse(asked.stdout) as NodeInfo) : undefined;
    });

  const submit = async (program: Uint8Array, task: object): Promise<string> => {
    const { hash } = await requestor.upload('packages', program);
    const body = { package: hash, limits: LIMITS, maxAttempts: 1, ...task };
    return (await requestor.call<TaskRecord>('POST', '/v1/tasks', body)).taskId;
  };
  const submitScript = (script: string, over: object = {}): Promise<string> =>
    submit(busyboxImage(), { runtime: 'docker', entryPoint: 'sh', args: ['-c', script], ...over });

  const ended = (taskId: string): Promise<TaskRecord> =>
    requestor.until(
      'the task',
      async () => {
        const task = await requestor.call<TaskRecord>('GET', `/v1/tasks/${taskId}`).catch(() => undefined);
        return task && ['Succeeded', 'Failed'].includes(task.state) ? task : undefined;
      },
      120_000,
    );

  const hasSaid = (taskId: string, word: string): Promise<unknown> =>
    requestor.until(word, async () => {
      const accept = { accept: 'application/octet-stream' };
      const log = await requestor.raw('GET', `/v1/tasks/${taskId}/logs?stream=stdout`, undefined, accept);
      return log.ok && (await log.text()).includes(word) ? true : undefined;
    });

  const containersOf = async (address: string): Promise<unknown[]> => {
    const filters = encodeURIComponent(JSON.stringify({ label: [`ergon.node=${address}`] }));
    const { body } = await engineReply('GET', `/containers/json?all=1&filters=${filters}`);
    return JSON.parse(body) as unknown[];
  };
  const noContainers = (address: string): Promise<unknown> =>
    expect.poll(() => containersOf(address), { timeout: 60_000 }).toEqual([]);

  it('is small, runs as a user of its own over a root that nobody writes to, and says that it is healthy', async () => {
    const size = async (tag: string): Promise<number> =>
      Number((await say(['docker', 'image', 'inspect', '-f', '{{.Size}}', tag])).stdout);
    expect((await size(image.tag)) - (await size(image.base))).toBeLessThan(64 * MB);
    const look = `process.getuid() + ' ' + (fs.statSync('/data').mode & 0o777).toString(8)`;
    expect(await compose.exec(SELLER, 'node', '-p', look)).toBe('1000 700');
    expect(
      (await compose.try('exec', '-T', SELLER, 'node', '-e', `fs.writeFileSync('/opt/x', '')`)).stderr,
    ).toContain('EROFS');
    for (const service of SERVICES) {
      const health = async (): Promise<string> => compose.inspect(service, '{{.State.Health.Status}}');
      await expect.poll(health, { timeout: 60_000, interval: 500 }).toBe('healthy');
    }
  }, 120_000);

  it('sells WASI', async () => {
    const task = await ended(await submit(await readFile(WORKLOAD), { args: ['hello'] }));
    expect(task.state, JSON.stringify(task.reason)).toBe('Succeeded');
  }, 120_000);

  it('sells Docker on the host’s engine, with all limits, and sells none where it could not meter', async () => {
    const task = await ended(
      await submitScript('id -u; echo out > /golem/output/o; exec 3> big; rm big; yes >&3', {
        outputs: ['/golem/output/o'],
      }),
    );
    // A file that has no name any more is found too, since the container shares the host's numbers of processes.
    expect(task).toMatchObject({
      state: 'Failed',
      reason: { message: expect.stringMatching(/storage|disk/) },
    });
    await noContainers((await seller()).address);
    const blind = ['-e', 'ERGON_RUNTIMES_DOCKER_CGROUP_ROOT=/sys/fs/cgroup', SELLER];
    const { stdout } = await compose.try('exec', '-T', ...blind, 'ergon', 'runtime', 'list', '--json');
    const view = (JSON.parse(stdout) as { name: string }[]).find((one) => one.name === 'docker');
    expect(view).toMatchObject({
      available: false,
      notes: expect.arrayContaining([expect.stringContaining('/host/cgroup')]),
    });
  }, 120_000);

  it('is the same node in a new container, but loses what runs: ended honestly, billed, nothing left', async () => {
    const { address } = await seller();
    const work = 'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; echo worked; sleep 60';
    const taskId = await submitScript(work);
    await hasSaid(taskId, 'worked');
    expect(await containersOf(address)).toHaveLength(1);
    await compose.run('stop', SELLER);
    // Not killed when its time was over.
    expect(await compose.inspect(SELLER, '{{.State.ExitCode}}')).toBe('0');
    await compose.run('rm', '-f', SELLER);
    await compose.run('up', '-d', SELLER);
    expect((await seller()).address).toBe(address);
    const agreements = JSON.parse(
      await compose.exec(SELLER, 'ergon', 'agreement', 'list', '--json'),
    ) as unknown[];
    expect(agreements.length).toBeGreaterThanOrEqual(2);
    const task = await ended(taskId);
    expect(task).toMatchObject({ state: 'Failed', attempts: [{ number: 1 }] });
    const { activityId, agreementId } = task.attempts[0]!;
    expect(await requestor.call<ActivityRecord>('GET', `/v1/activities/${activityId}`)).toMatchObject({
      state: 'Terminated',
      reason: { code: 'SupervisorLost' },
    });
    await noContainers(address);
    const invoice = await requestor.until('the invoice', async () => {
      const path = `/v1/invoices?agreement=${agreementId}`;
      const { items } = await requestor.call<{ items: InvoiceRecord[] }>('GET', path);
      return items[0]?.state === 'Settled' ? items[0] : undefined;
    });
    expect(BigInt(invoice.invoice.amount)).toBeGreaterThan(0n);
  }, 180_000);

  it('leaves nothing behind, not even of an activity that ran', async () => {
    const { address } = await seller();
    await hasSaid(await submitScript('echo up; sleep 60'), 'up');
    await compose.run('down', '-v');
    await noContainers(address);
    for (const kind of ['container', 'volume', 'network']) {
      const filter = ['--filter', `label=com.docker.compose.project=${project}`];
      const all = kind === 'container' ? ['-a'] : [];
      expect((await say(['docker', kind, 'ls', '-q', ...all, ...filter])).stdout).toBe('');
    }
  }, 120_000);
});
