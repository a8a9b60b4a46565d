import { dirname } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { networksIn, openConnection, openPackets } from '../../../src/exe-unit/client/networks.ts';
import { describeDocker, dockerRuntime, makePlace } from '../../support/docker-engine.ts';
import { DockerActivity } from '../../support/docker-activity.ts';
import { tunnelsIn } from '../../support/tunnels.ts';
import { networkImage } from '../../support/network-image.ts';

const image = networkImage();
const NODES = { '10.7.0.2': `0x${'a'.repeat(40)}`, '10.7.0.3': `0x${'b'.repeat(40)}` };
const network = (nodeIp: string) => ({
  id: 'net',
  ip: '10.7.0.0',
  mask: '255.255.255.0',
  nodes: NODES,
  nodeIp,
});

describeDocker('networks of containers', () => {
  const open: DockerActivity[] = [];
  const node = async (ip: string, hosts = {}): Promise<DockerActivity> => {
    const activity = new DockerActivity({}, makePlace(image));
    open.push(activity);
    return activity.start({ activityId: ip.replaceAll('.', '-'), networks: [network(ip)], hosts });
  };
  const packets = ({ place }: DockerActivity) => openPackets(place.workDir, 0);
  afterEach(async () => {
    for (const activity of open.splice(0)) await activity.remove();
  });

  it('are what the fingerprint promises', async () => {
    expect((await dockerRuntime().fingerprint()).capabilities).toEqual(['vpn']);
    const { capabilities, notes } = await dockerRuntime({ engineRuntime: 'runsc' }).fingerprint();
    expect(capabilities).toBeUndefined();
    expect(notes.join()).toMatch(/no networks between activities \(vpn\): containers of runsc/);
  });

  it('carry packets and connections between two of them, and nothing else', async () => {
    const [a, b] = [await node('10.7.0.2', { other: '10.7.0.3' }), await node('10.7.0.3')];
    const [lineA, lineB] = [await packets(a), await packets(b)];
    lineA.pipe(lineB).pipe(lineA);
    expect(await a.run('iping -c 2 -i 0.2 -W 5 other')).toMatchObject({ exit: { kind: 'exited', code: 0 } });
    // The container can change nothing of it.
    expect((await a.run('ip addr add 10.7.0.9/24 dev vpn0')).exit).not.toMatchObject({ code: 0 });
    expect((await a.run('ip -o addr show dev vpn0')).stdout).toContain('10.7.0.2/24');
    expect((await a.run('ip route')).stdout).not.toContain('default');

    const served = await b.run('echo served > page; httpd -p 8080; echo up');
    expect(served.stdout).toBe('up\n');
    expect((await a.run('wget -q -O - http://other:8080/page')).stdout).toBe('served\n');

    const socket = await openConnection(b.place.workDir, 0, { ip: '10.7.0.3', port: 8080 });
    socket.end('GET /page HTTP/1.0\r\n\r\n');
    expect(Buffer.concat(await socket.toArray()).toString()).toMatch(/^HTTP\/1.1 200 OK[^]*served\n$/);
    await expect(openConnection(b.place.workDir, 0, { ip: '10.7.0.3', port: 81 })).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_CONNECT_FAILED',
      detail: { error: 'ECONNREFUSED' },
    });
    lineA.destroy();
    lineB.destroy();
  });

  it('take up a new line after one that broke, and a line that talks nonsense is cut', async () => {
    const [a, b] = [await node('10.7.0.2'), await node('10.7.0.3')];
    const broken = await packets(a);
    broken.write(Buffer.from([0xff, 0xff, 1, 2, 3]));
    broken.resume();
    await new Promise((resolve) => broken.once('close', resolve));
    const [lineA, lineB] = [await packets(a), await packets(b)];
    lineA.pipe(lineB).pipe(lineA);
    expect((await b.run('iping -c 1 -W 5 10.7.0.2')).exit).toMatchObject({ code: 0 });
    lineA.destroy();
    lineB.destroy();
  });

  it('leave nothing behind', async () => {
    const activity = await node('10.7.0.2');
    const { root } = activity.place;
    expect(tunnelsIn(root)).toHaveLength(1);
    await activity.remove();
    open.splice(0);
    expect(tunnelsIn(root)).toEqual([]);
  });

  it('are none for an activity that was deployed without', async () => {
    const activity = await new DockerActivity({}, makePlace(image)).start();
    open.push(activity);
    expect((await activity.run('ip -o link')).stdout).not.toContain('vpn0');
    expect(await networksIn(dirname(activity.place.workDir))).toEqual([]);
    await expect(openPackets(activity.place.workDir, 0)).rejects.toThrow(/ENOENT/);
  });
});
