import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import { describeDocker, dockerRuntime, engineCall, engineReply } from '../../support/docker-engine.ts';

const IN = 'ergon.usage.network.in_bytes';
const OUT = 'ergon.usage.network.out_bytes';
const NANO = 1_000_000_000n;
const BODY = new Uint8Array(3 << 20).fill(0x61);
/** What the layers below a connection add to its bytes. */
const OVERHEAD = 1.25;

const activities: DockerActivity[] = [];
const activity = (options: Record<string, unknown> = {}): DockerActivity => {
  const made = new DockerActivity(options);
  activities.push(made);
  return made;
};
afterEach(async () => {
  for (const made of activities.splice(0)) await made.remove();
});

/** Bytes in and out so far. */
async function traffic({
  runtime,
  handle,
}: Pick<DockerActivity, 'runtime' | 'handle'>): Promise<[number, number]> {
  const { counters } = await runtime.stats(handle);
  return [Number((counters[IN] ?? -1n) / NANO), Number((counters[OUT] ?? -1n) / NANO)];
}

describeDocker('metering of a container', () => {
  const network = `ergon-test-${process.pid}`;
  let url = '';
  /** The server listens on the provider's own machine. */
  let gateway = '';
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.end(request.method === 'GET' ? BODY : 'thanks'));
  });
  beforeAll(async () => {
    const made = await engineReply('POST', '/networks/create', undefined, {
      Name: network,
      Internal: true,
    });
    expect(made.status, made.body).toBe(201);
    const { body } = await engineReply('GET', `/networks/${network}`);
    gateway = String(JSON.parse(body).IPAM.Config[0].Gateway);
    server.listen(0, gateway);
    await once(server, 'listening');
    const address = server.address();
    url = `http://${gateway}:${typeof address === 'object' ? address?.port : ''}/`;
  });
  afterAll(async () => {
    server.close();
    expect(await engineCall('DELETE', `/networks/${network}`)).toBe(204);
  });

  it('counts what comes and goes over a network, and goes on counting under another supervisor', async () => {
    const it = await activity({ network, networkAllow: [gateway] }).start({ network: true });
    expect((await it.run('wget -q -O got "$1" && wc -c < got', url)).stdout.trim()).toBe(`${BODY.length}`);
    const [inBytes, outBytes] = await traffic(it);
    expect(inBytes).toBeGreaterThan(BODY.length);
    expect(inBytes).toBeLessThan(BODY.length * OVERHEAD);
    expect(outBytes).toBeGreaterThan(0);
    expect(outBytes).toBeLessThan(BODY.length * (OVERHEAD - 1));

    expect((await it.run('wget -q -O - --post-file=got "$1"', url)).stdout).toBe('thanks');
    const after = await traffic(it);
    expect(after[1] - outBytes).toBeGreaterThan(BODY.length);
    expect(after[1] - outBytes).toBeLessThan(BODY.length * OVERHEAD);

    const successor = { runtime: dockerRuntime({ network }), handle: it.handle };
    expect(await successor.runtime.recover(it.handle)).toBe(true);
    const [inLater, outLater] = await traffic(successor);
    expect([inLater >= after[0], outLater >= after[1]]).toEqual([true, true]);
    await successor.runtime.destroy(it.handle);
    expect(await traffic(it)).toEqual(after);
  });

  it('leads a program to nothing on the provider’s own machine', async () => {
    const it = await activity({ network }).start({ network: true });
    expect((await it.run('wget -q -O got "$1"', url)).exit).toEqual({ kind: 'exited', code: 1 });
  });

  it('counts nothing of what a container without a network says to itself', async () => {
    const it = await activity({ network }).start();
    await it.run('ping -c 2 127.0.0.1; busybox timeout 1 wget -q -O - "$1"', url);
    expect(await traffic(it)).toEqual([0, 0]);
  });

  it('charges the CPU time that the kernel gave the program, and hardly more', async () => {
    const it = await activity().start();
    const before = (await it.runtime.stats(it.handle)).cpuNs;
    // Fields 14 and 15 of its own entry: ticks, of which there are 100 a second, in user mode and in the kernel.
    const burn = await it.run(
      'i=0; while [ $i -lt 400000 ]; do i=$((i+1)); done; read -r line < /proc/$$/stat; set -- $line; echo $((${14} + ${15}))',
    );
    const ownMs = Number(burn.stdout) * 10;
    const chargedMs = Number((await it.runtime.stats(it.handle)).cpuNs - before) / 1e6;
    expect(ownMs).toBeGreaterThan(200);
    expect(chargedMs / ownMs).toBeGreaterThan(0.9);
    expect(chargedMs / ownMs).toBeLessThan(1.25);
  });
});
