import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ActivityRecord, AgreementRecord, Batch, Offer, TaskRecord } from '../../src/interface/index.ts';
import { groupsOf, linesOf, loopDevicesOf, processesOf } from '../hostile/watch.ts';
import { busyboxImage, describeDocker, engineReply } from '../support/docker-engine.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { MarketPair, type Page } from './market-pair.ts';

const MIB = 1024 * 1024;
const MEMORY_BYTES = 32 * MIB;
const LIMITS = { memoryBytes: MEMORY_BYTES, storageBytes: 16 * MIB, wallTimeMs: 60_000 };
const TICKS = 40;
/** Notes that it ran, and says so slowly. */
const TICK = `echo ran >> /golem/output/runs; for i in $(seq ${TICKS}); do echo tick $i; sleep 0.05; done`;
const TICKED = Array.from({ length: TICKS }, (_, i) => `tick ${i + 1}\n`).join('');

describeDocker(
  'Docker, sold by one daemon and bought by another',
  () => {
    let pair: MarketPair;
    let registry: FakeRegistry;
    let registryName: string;
    /** Names of activities and containers: nothing that bears one of them may be left. */
    const marks = new Set<string>();

    beforeAll(async () => {
      registry = new FakeRegistry(busyboxImage());
      registryName = await registry.start();
      pair = await MarketPair.start({
        provider: {
          provider: { runtimes: ['docker'], sampleIntervalMs: 50 },
          runtimes: { docker: { registries: [registryName] } },
        },
      });
    });
    afterAll(async () => {
      registry.stop();
      await pair.stop();
    });

    /** Ids of the provider's containers, or of those of one activity. */
    async function containers(activityId?: string): Promise<string[]> {
      const { address } = await pair.provider.info();
      const label = [
        `ergon.node=${address}`,
        ...(activityId === undefined ? [] : [`ergon.activity=${activityId}`]),
      ];
      const filters = encodeURIComponent(JSON.stringify({ label }));
      const { body } = await engineReply('GET', `/containers/json?all=1&filters=${filters}`);
      const found: { Id: string }[] = JSON.parse(body);
      return found.map(({ Id }) => Id);
    }

    const submit = async (image: Uint8Array, script: string, over: object = {}): Promise<string> => {
      const { hash } = await pair.requestor.upload('packages', image);
      return submitPackage(hash, script, over);
    };

    async function submitPackage(hash: string, script: string, over: object = {}): Promise<string> {
      const { taskId } = await pair.requestor.call<TaskRecord>('POST', '/v1/tasks', {
        package: hash,
        runtime: 'docker',
        entryPoint: 'sh',
        args: ['-c', script],
        limits: LIMITS,
        ...over,
      });
      return taskId;
    }

    /** The activity of a task, once its program runs. */
    async function running(taskId: string): Promise<ActivityRecord> {
      const activity = await pair.requestor.until('the program runs', async () => {
        const id = (await pair.task(taskId)).attempts.at(-1)?.activityId;
        const record = await pair.requestor
          .call<ActivityRecord>('GET', `/v1/activities/${id}`)
          .catch(() => undefined);
        return record?.state === 'Running' ? record : undefined;
      });
      marks.add(activity.activityId);
      for (const container of await containers()) marks.add(container);
      return activity;
    }

    async function file(task: TaskRecord, at = 0): Promise<string> {
      const output = await pair.requestor.raw('GET', `/v1/blobs/${task.result!.outputs[at]!.blob}`);
      return output.text();
    }

    it('is offered with what the machine enforces, under its own name and as vm', async () => {
      const offers = await pair.requestor.until('offers', async () => {
        const { items } = await pair.requestor.call<Page<{ offer: Offer }>>('GET', '/v1/offers');
        return items.length === 2 ? items.map(({ offer }) => offer.properties) : undefined;
      });
      expect(offers.map((properties) => properties['golem.runtime.name']).sort()).toEqual(['docker', 'vm']);
      for (const properties of offers) {
        expect(properties['ergon.runtime.docker.limits']).toEqual(
          expect.arrayContaining(['memory', 'pids', 'cpu', 'disk']),
        );
      }
    });

    it('runs a task of an uploaded archive, with a file in and a file out, and is paid for it', async () => {
      const input = await pair.requestor.upload('blobs', Buffer.from('what goes in'));
      const taskId = await submit(
        gzipSync(busyboxImage()),
        'tail -c 8 in.txt > /golem/output/o; id -u; exit 3',
        {
          inputs: [{ blob: input.hash, path: '/golem/work/in.txt' }],
          outputs: ['/golem/output/o'],
        },
      );
      const failed = await pair.done(taskId);
      expect(failed).toMatchObject({ state: 'Failed', result: { exitCode: 3 } });

      const again = await submit(gzipSync(busyboxImage()), 'tail -c 8 in.txt > /golem/output/o; id -u', {
        inputs: [{ blob: input.hash, path: '/golem/work/in.txt' }],
        outputs: ['/golem/output/o'],
      });
      const task = await pair.done(again);
      expect(task).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
      expect(await pair.log(again)).toBe('1000\n');
      expect(await file(task)).toBe(' goes in');
      const { seller, buyer } = await pair.settledBooks(task);
      for (const books of [seller, buyer]) {
        expect(books.notes.filter(({ note }) => note.final)).toHaveLength(1);
        expect(books.invoices).toHaveLength(1);
        expect(books.activity.state).toBe('Completed');
      }
      expect(Number(buyer.activity.usage!.counters['golem.usage.cpu_sec'])).toBeGreaterThan(0);
    });

    it('pulls an image that the agreement names with its digest, and no other', async () => {
      const image = `${registryName}/tools@${registry.digest}`;
      const made = await pair.requestor.call<{ hash: string }>('POST', '/v1/packages/images', {
        image: `docker://${image}`,
      });
      const task = await pair.done(await submitPackage(made.hash, 'echo $FROM_IMAGE'));
      expect(task).toMatchObject({ state: 'Succeeded', spec: { image, runtime: 'docker' } });
      expect(await pair.log(task.taskId)).toBe('yes\n');
      const { seller } = await pair.settledBooks(task);
      expect(seller.agreement.agreement.demand.properties['golem.srv.comp.task_package']).toBe(
        `docker://${image}`,
      );
      const other = createHash('sha256').update('another').digest('hex');
      const wrong = await pair.requestor.call<{ hash: string }>('POST', '/v1/packages/images', {
        image: `elsewhere.example/tools@sha256:${other}`,
      });
      const refused = await pair.done(await submitPackage(wrong.hash, 'true', { maxAttempts: 1 }));
      expect(refused).toMatchObject({
        state: 'Failed',
        reason: { message: expect.stringContaining('nothing is pulled from elsewhere.example') },
      });
    });

    it('by hand: commands, files within the activity, a limit that says its figures', async () => {
      const { requestor } = pair;
      const { hash } = await requestor.upload('packages', busyboxImage());
      const { agreement } = await requestor.call<AgreementRecord>('POST', '/v1/agreements', {
        budget: '0.5',
        constraints: '(golem.runtime.name=docker)',
        properties: { 'ergon.srv.resources.memory.bytes': MEMORY_BYTES },
      });
      expect(agreement.terms).not.toHaveProperty('network');
      const { activityId } = await requestor.call<ActivityRecord>('POST', '/v1/activities', {
        agreementId: agreement.agreementId,
        package: hash,
      });
      marks.add(activityId);
      const path = `/v1/activities/${activityId}`;
      const exec = async (name: string, body: object = {}) => {
        const { batchId } = await requestor.call<Batch>('POST', `${path}/${name}`, body);
        return (await requestor.call<Batch>('GET', `${path}/batches/${batchId}?waitMs=60000`)).results[0];
      };
      expect(await exec('deploy', { env: { GREETING: 'hello' } })).toMatchObject({ result: 'Ok' });
      expect(await exec('start')).toMatchObject({ result: 'Ok' });
      for (const container of await containers()) marks.add(container);
      const sh = (script: string) =>
        exec('run', { entryPoint: 'sh', args: ['-c', script], capture: { stdout: { atEnd: {} } } });
      expect(await sh('echo $GREETING > a; cat a')).toMatchObject({ stdoutCapture: { data: 'hello\n' } });
      // The one network that there is, is the container's own loopback.
      expect(await sh('cat /proc/net/dev | tail -n +3 | head -1; ls /sys/class/net')).toMatchObject({
        stdoutCapture: { data: expect.stringMatching(/^ *lo:.*\nlo\n$/) },
      });
      expect(await sh('cat a; exit 4')).toMatchObject({ reason: { code: 'ExitCode' }, exitCode: 4 });
      const out = await exec('run', { entryPoint: 'awk', args: ['BEGIN { s = "x"; while (1) s = s s }'] });
      expect(out).toMatchObject({
        reason: { code: 'LimitExceeded', detail: { limit: 'memory', limitValue: MEMORY_BYTES } },
      });
      const ended = await requestor.until('the end', async () => {
        const record = await requestor.call<ActivityRecord>('GET', path);
        return record.state === 'Terminated' ? record : undefined;
      });
      expect(ended.reason).toMatchObject({ code: 'LimitExceeded', detail: { limit: 'memory' } });
      await requestor.call('POST', `/v1/agreements/${agreement.agreementId}/terminate`, {});
    });

    it('is frozen in the kernel, and goes on where it was', async () => {
      const taskId = await submit(busyboxImage(), TICK);
      const { activityId } = await running(taskId);
      const path = `/v1/activities/${activityId}`;
      expect(await pair.requestor.call('POST', `${path}/suspend`, {})).toMatchObject({ state: 'Suspended' });
      const [container] = await containers(activityId);
      const { body } = await engineReply('GET', `/containers/${container}/json`);
      expect(JSON.parse(body).State).toMatchObject({ Paused: true });
      expect(await pair.requestor.call('POST', `${path}/resume`, {})).toMatchObject({ state: 'Running' });
      expect(await pair.done(taskId)).toMatchObject({ state: 'Succeeded' });
      expect(await pair.log(taskId)).toBe(TICKED);
    });

    it.each(['provider', 'requestor'] as const)(
      'survives kill -9 of the %s’s daemon: one run, whole output, one final note, one invoice',
      async (victim) => {
        const taskId = await submit(busyboxImage(), TICK, { outputs: ['/golem/output/runs'] });
        await running(taskId);
        await pair.requestor.until('it is under way', async () =>
          (await pair.log(taskId)).includes('tick 5\n') ? true : undefined,
        );
        await pair[victim].kill();
        await pair[victim].launch();
        const task = await pair.done(taskId);
        expect(task).toMatchObject({ state: 'Succeeded', result: { exitCode: 0 } });
        expect(task.attempts).toHaveLength(1);
        expect(await pair.log(taskId)).toBe(TICKED);
        expect(await file(task)).toBe('ran\n');
        const { seller, buyer } = await pair.settledBooks(task);
        for (const books of [seller, buyer]) {
          expect(books.notes.filter(({ note }) => note.final)).toHaveLength(1);
          expect(books.invoices).toHaveLength(1);
        }
        expect(buyer.invoices[0]!.invoice).toEqual(seller.invoices[0]!.invoice);
      },
    );

    it('leaves nothing on the machine', async () => {
      const found = [...marks];
      // Two activities by name at least, and their containers.
      expect(found.length).toBeGreaterThanOrEqual(6);
      await pair.provider.until('no container', async () =>
        (await containers()).length === 0 ? true : undefined,
      );
      await pair.provider.stop();
      await pair.requestor.stop();
      await expect.poll(() => processesOf([...found, pair.dir]), { timeout: 20_000 }).toEqual([]);
      expect(groupsOf(found), 'control groups').toEqual([]);
      for (const table of ['/proc/self/mountinfo', '/proc/net/unix']) {
        expect(linesOf(table, [...found, pair.dir]), table).toEqual([]);
      }
      expect(loopDevicesOf([...found, pair.dir]), 'loop devices').toEqual([]);
      const volumes = JSON.parse((await engineReply('GET', '/volumes')).body).Volumes as unknown[] | null;
      expect(JSON.stringify(volumes ?? [])).not.toContain('ergon');
    });
  },
  120_000,
);
