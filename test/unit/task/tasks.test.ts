import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { TaskRecord } from '../../../src/interface/index.ts';
import { taskBucket } from '../../../src/task/index.ts';
import { HASH, spec, OUTPUT, World } from './world.ts';

type Service = ReturnType<World['service']>;

describe('tasks', () => {
  let world: World;
  let service: Service;

  beforeEach(async () => {
    world = new World();
    await world.store.start();
    service = world.service();
    await service.start();
  });
  afterEach(async () => {
    await service.stop();
    await world.store.stop();
  });

  const until = async (ready: (task: TaskRecord) => boolean, id = 't'): Promise<TaskRecord> => {
    for (let turn = 0; turn < 200; turn += 1) {
      const task = await service.get(id);
      if (task !== undefined && ready(task)) return task;
      await world.clock.advance(50);
    }
    throw new Error(`not reached: ${JSON.stringify(await service.get(id))}`);
  };

  it('runs a task to its results, closes, and is done once its invoice is settled', async () => {
    await service.submit('t', spec());
    const settling = await until((task) => task.attempts.at(-1)?.phase === 'Settling');
    expect(settling.state).toBe('Succeeded');
    expect(settling.result).toEqual({
      exitCode: 0,
      stdoutBytes: 5,
      stderrBytes: 0,
      outputs: [{ path: '/out', blob: OUTPUT, sizeBytes: 3 }],
    });
    const agreementId = settling.attempts[0]!.agreementId;
    expect(world.agreements.get(agreementId)?.state).toBe('Terminated');
    expect(world.allocations.get(settling.allocationId)?.released).toBe(false);
    await world.settleInvoice(agreementId);
    await until((task) => task.attempts.at(-1)?.phase === 'Done');
    await world.clock.advance(1000);
    expect(world.allocations.get(settling.allocationId)?.released).toBe(true);
  });

  it('succeeds once its output is here', async () => {
    world.outputHere = 3;
    await service.submit('t', spec());
    await until((task) => task.attempts.at(-1)?.phase === 'Running');
    await world.clock.advance(20_000);
    expect((await service.get('t'))?.state).toBe('InProgress');
    world.outputHere = 5;
    await until((task) => task.state === 'Succeeded');
  });

  it('asks for resources, runtime, platform and the whole of its worst price', async () => {
    await service.submit('t', spec({ constraints: '(golem.node.id.name=alice)', network: true }));
    await until((task) => task.state === 'Succeeded');
    const [request] = world.requests;
    expect(request?.constraints).toContain('(golem.runtime.name=wasi)');
    expect(request?.constraints).toContain('(golem.node.id.name=alice)');
    expect(request?.constraints).toContain('(ergon.srv.network=true)');
    expect(request?.properties['ergon.srv.resources.memory.bytes']).toBe(1 << 26);
    expect(request?.properties['ergon.srv.network']).toBe(true);
    expect(request?.maxPrice).toBe('1000000');
    expect(request?.expectedUsage).toEqual({
      'golem.usage.duration_sec': '60000000000',
      'golem.usage.cpu_sec': '60000000000',
      'ergon.usage.memory.gib-sec': '3750000000',
      'ergon.usage.memory.peak-gib': '62500000',
      'ergon.usage.storage.gib-sec': '58593750',
      'golem.usage.storage_gib': '976563',
      // Ten for each nanosecond.
      'ergon.usage.wasm.fuel': '600000000000000000000',
    });
  });

  it('has no network unless it asks for one', async () => {
    await service.submit('t', spec());
    await until((task) => task.state === 'Succeeded');
    expect(JSON.stringify(world.requests[0])).not.toContain('ergon.srv.network');
  });

  it('names the package in the agreement: its hash, or an image with its digest', async () => {
    const image = `registry.example/tool@sha256:${'c'.repeat(64)}`;
    await service.submit('by-hash', spec());
    await service.submit('by-image', spec({ image, runtime: 'docker' }));
    await expect
      .poll(() => world.requests.map(({ properties }) => properties['golem.srv.comp.task_package']))
      .toEqual([`hash:${HASH}`, `docker://${image}`]);
  });

  it('bounds the fuel of its activity where that has a price, and where it is told to', async () => {
    const limitsOf = async (id: string, limits: object): Promise<unknown> => {
      await service.submit(id, spec({ limits: { ...spec().limits, ...limits } }));
      await until((task) => task.state === 'Succeeded', id);
      return world.limits;
    };
    expect(await limitsOf('a', {})).toEqual({ wallTimeMs: 60_000 });
    expect(await limitsOf('b', { fuel: 77 })).toEqual({ wallTimeMs: 60_000, fuel: 77 });
    world.pricedCounters = ['ergon.usage.wasm.fuel'];
    expect(await limitsOf('c', { cpuTimeMs: 5 })).toEqual({
      wallTimeMs: 60_000,
      cpuTimeMs: 5,
      fuel: 50_000_000,
    });
    expect(await limitsOf('d', { fuel: 77 })).toEqual({ wallTimeMs: 60_000, fuel: 77 });
    expect(world.requests.at(-1)?.expectedUsage).toMatchObject({ 'ergon.usage.wasm.fuel': '77000000000' });
  });

  it('fails with the exit code of a failing program, and does not try another provider', async () => {
    world.behaviours = [{ runExit: 3 }];
    await service.submit('t', spec());
    const task = await until((now) => now.attempts.at(-1)?.phase === 'Settling');
    expect(task).toMatchObject({
      state: 'Failed',
      reason: { code: 'ProgramFailed' },
      result: { exitCode: 3 },
    });
    expect(task.attempts).toHaveLength(1);
  });

  it('fails with the limit that the program broke', async () => {
    world.behaviours = [
      { activityEnds: { code: 'LimitExceeded', message: 'memory', detail: { limit: 'memory' } } },
    ];
    await service.submit('t', spec());
    const task = await until((now) => now.state === 'Failed');
    expect(task.reason).toMatchObject({ code: 'LimitExceeded', detail: { limit: 'memory' } });
  });

  it('goes to another provider when one loses the activity, and leaves the first one out', async () => {
    world.behaviours = [{ activityEnds: { code: 'SupervisorLost', message: 'gone' } }, {}];
    await service.submit('t', spec());
    const task = await until((now) => now.state === 'Succeeded');
    expect(task.attempts).toHaveLength(2);
    expect(world.requests[1]?.excludeProviders).toEqual([task.attempts[0]?.provider]);
    expect(task.attempts[0]?.reason?.code).toBe('SupervisorLost');
  });

  it('gives up after maxAttempts', async () => {
    world.behaviours = [{ activityEnds: { code: 'SupervisorLost', message: 'gone' } }];
    await service.submit('t', spec({ maxAttempts: 2 }));
    const task = await until((now) => now.state === 'Failed');
    expect(task.attempts).toHaveLength(2);
  });

  it('goes on looking while nobody agrees, each time under a new agreement id', async () => {
    world.behaviours = [{ refuse: 'ERR_MARKET_NOBODY_AGREED' }];
    world.refusalsLeft = 3;
    await service.submit('t', spec());
    const first = await until((task) => task.attempts.length === 1);
    const task = await until((now) => now.state === 'Succeeded');
    expect(task.attempts).toHaveLength(1);
    expect(task.attempts[0]?.agreementId).not.toBe(first.attempts[0]?.agreementId);
    expect(world.agreements.size).toBe(1);
  });

  it('fails with the market’s code when nobody agrees in time, and at once when the search cannot work', async () => {
    world.behaviours = [{ refuse: 'ERR_MARKET_NO_OFFER' }];
    await service.submit('t', spec());
    await until((task) => task.progress.message.includes('still looking'));
    await world.clock.advance(20_000);
    const task = await until((now) => now.attempts[0]?.phase === 'Done');
    expect(task).toMatchObject({ state: 'Failed', reason: { code: 'ERR_MARKET_NO_OFFER' } });

    world.behaviours = [{ refuse: 'ERR_MARKET_CONSTRAINT_SYNTAX' }];
    await service.submit('u', spec({ constraints: '(((' }));
    await world.clock.advance(100);
    expect((await service.get('u'))?.state).toBe('Failed');
  });

  it('is canceled in mid-run, closes at the provider and stays Canceled', async () => {
    world.behaviours = [{ hold: true }];
    await service.submit('t', spec());
    const { attempts } = await until((task) => task.attempts.at(-1)?.phase === 'Running');
    await service.cancel('t');
    const task = await until((now) => now.attempts.at(-1)?.phase === 'Settling');
    expect(task.state).toBe('Canceled');
    expect(world.activities.get(attempts[0]!.activityId)?.record.state).toBe('Completed');
    expect((await service.cancel('t')).state).toBe('Canceled');
  });

  it('gives a silent provider up when the agreement has ended', async () => {
    world.behaviours = [{ hold: true }, {}];
    await service.submit('t', spec());
    await until((task) => task.attempts.at(-1)?.phase === 'Running');
    await world.clock.advance(121_000);
    const task = await until((now) => now.state === 'Succeeded');
    expect(task.attempts[0]?.reason?.code).toBe('ProviderLost');
  });

  it('refuses what was not uploaded, what contradicts itself, and another task under the same id', async () => {
    const missing = `sha256:${'f'.repeat(64)}`;
    await expect(service.submit('t', spec({ package: missing }))).rejects.toMatchObject({
      code: 'ERR_TASK_PACKAGE_NOT_FOUND',
    });
    await expect(service.submit('t', spec({ outputs: ['/o', '/o'] }))).rejects.toMatchObject({
      code: 'ERR_TASK_SPEC',
    });
    const first = await service.submit('t', spec());
    expect((await service.submit('t', spec())).createdAt).toBe(first.createdAt);
    world.isPackageHere = false;
    expect((await service.submit('t', spec())).createdAt).toBe(first.createdAt);
    await expect(service.submit('t', spec({ budget: '2' }))).rejects.toMatchObject({
      code: 'ERR_TASK_ID_CONFLICT',
    });
    await expect(service.cancel('nobody')).rejects.toMatchObject({ code: 'ERR_TASK_NOT_FOUND' });
  });
});

describe('a task that was removed', () => {
  it('is left alone by whoever was still looking after it', async () => {
    const world = new World();
    await world.store.start();
    const service = world.service();
    await service.start();
    world.behaviours = [{ runExit: 3 }];
    const removed = Promise.withResolvers<unknown>();
    world.beforeEffect = (name) => {
      if (name === 'terminate')
        removed.resolve(world.store.transact(async (tx) => tx.delete(taskBucket, 't')));
    };
    await service.submit('t', spec());
    await removed.promise;
    await world.clock.settle();
    await expect.poll(() => world.clock.pending).toBe(0);
    await service.stop();
    await world.store.stop();
  });
});

describe('tasks over crashes', () => {
  it('end the same way wherever the daemon dies, with one agreement, one activity and one script', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 6 }), async (crashes) => {
        const world = new World();
        await world.store.start();
        let effectsLeft = crashes.shift() ?? Infinity;
        const dead = new Error('killed');
        world.beforeEffect = () => {
          if (effectsLeft <= 0) throw dead;
          effectsLeft -= 1;
        };
        let service = world.service();
        await service.start();
        await service.submit('t', spec());
        let task: TaskRecord | undefined;
        for (let turn = 0; turn < 400 && task?.attempts.at(-1)?.phase !== 'Settling'; turn += 1) {
          await world.clock.advance(20);
          if (effectsLeft <= 0) {
            await service.stop();
            effectsLeft = crashes.length > 0 ? (crashes.shift() ?? 0) + 1 : Infinity;
            service = world.service();
            await service.start();
          }
          task = await service.get('t');
        }
        await service.stop();
        await world.store.stop();
        expect(task?.state).toBe('Succeeded');
        expect(world.requests).toHaveLength(1);
        expect(world.created).toHaveLength(1);
        expect(world.execs).toHaveLength(1);
      }),
      { numRuns: 40 },
    );
  });
});
