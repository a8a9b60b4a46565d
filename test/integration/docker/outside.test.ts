import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import { describeDocker, dockerRuntime, makePlace } from '../../support/docker-engine.ts';
import { networkImage } from '../../support/network-image.ts';
import {
  FORBIDDEN,
  FORBIDDEN_V6,
  OutsideNetwork,
  PUBLIC_SERVER_V6,
  REACH,
  reached,
  SERVER,
  SERVER_V6,
} from '../../support/outside-network.ts';

const [METADATA, ...NEIGHBOURS] = FORBIDDEN;
/** By a socket that is bound to the device, which no routing table stops. */
const BOUND = 'iping -n -c 1 -W 1 -I eth0 "$1"';

describeDocker('the outside network of a container', () => {
  const image = networkImage();
  const outside = new OutsideNetwork();
  const activities: DockerActivity[] = [];
  beforeAll(() => outside.open());
  afterAll(() => outside.close());
  afterEach(async () => {
    for (const made of activities.splice(0)) await made.remove();
  });
  const activity = (options: object = {}): DockerActivity => {
    const made = new DockerActivity({ network: outside.name, ...options }, makePlace(image));
    activities.push(made);
    return made;
  };
  const granted = (options: object = {}): Promise<DockerActivity> =>
    activity(options).start({ network: true });

  it('leads to no neighbour and no metadata service, but to what the provider allows', async () => {
    const fenced = await granted({ networkAllow: [SERVER, '10.99.0.0/16'] });
    const { stdout } = await fenced.run(REACH, SERVER, METADATA, ...NEIGHBOURS);
    expect(stdout).toBe(
      reached([SERVER], 'yes') +
        reached([METADATA], 'no') +
        reached([NEIGHBOURS[0]], 'yes') +
        reached([NEIGHBOURS[1]], 'no'),
    );
    expect((await fenced.run(BOUND, METADATA)).exit).not.toEqual({ kind: 'exited', code: 0 });
  });

  it('is the same for IPv6', async () => {
    const open = await granted({ networkAllow: ['0.0.0.0/0'] });
    const everybody = [PUBLIC_SERVER_V6, SERVER_V6, ...FORBIDDEN_V6];
    expect((await open.run(REACH, ...everybody)).stdout).toBe(reached(everybody, 'yes'));
    const fenced = await granted({ networkAllow: ['fd99::/16'] });
    const [metadata, neighbour, translated] = FORBIDDEN_V6;
    expect((await fenced.run(REACH, ...everybody)).stdout).toBe(
      reached([PUBLIC_SERVER_V6], 'yes') +
        reached([SERVER_V6, metadata], 'no') +
        reached([neighbour], 'yes') +
        reached([translated], 'no'),
    );
  });

  it('is fenced anew by whoever takes the container over, to the same effect', async () => {
    const one = await granted();
    const heir = await one.adoptedBy(dockerRuntime({ network: outside.name }));
    expect((await heir.run(REACH, SERVER, METADATA)).stdout).toBe(reached([SERVER, METADATA], 'no'));
  });

  it('is all that the engine’s network leads to where the provider says so', async () => {
    const open = await granted({ networkAllow: ['0.0.0.0/0'] });
    const everybody = [SERVER, ...FORBIDDEN];
    expect((await open.run(REACH, ...everybody)).stdout).toBe(reached(everybody, 'yes'));
    expect((await open.run(BOUND, METADATA)).exit).toEqual({ kind: 'exited', code: 0 });
  });

  it('is offered only where it can be fenced, and refused where it was agreed on and is no more', async () => {
    const isSold = async (options: object = {}): Promise<unknown> =>
      (await activity(options).runtime.fingerprint()).properties['ergon.srv.network'];
    expect(await isSold()).toBe(true);
    expect(await isSold({ networkAllow: ['fe80:::1'] })).toBeUndefined();
    await expect(granted({ network: undefined })).rejects.toMatchObject({ code: 'ERR_RUNTIME_NETWORK' });
  });
});
