import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import { busyboxImage, describeDocker, engineReply, makePlace } from '../../support/docker-engine.ts';
import { FakeRegistry } from '../../support/fake-registry.ts';
import { PrivateEngine } from '../../support/private-engine.ts';
import { tarOf } from '../../support/tar.ts';

const SECOND_LAYER = [
  { name: 'marker', body: Buffer.from('second layer') },
  { name: 'golem/', type: '5', mode: 0o755 },
  { name: 'golem/entrypoints/', type: '5', mode: 0o755 },
  { name: 'golem/entrypoints/run.sh', body: Buffer.from('#!/bin/sh\necho "of the image"\n'), mode: 0o755 },
];

/** The end of a name that says that an image has nothing at its volumes. */
const NOTE = /-empty-[0-9a-f]{16}$/;

/** An archive as `docker save` writes it, with busybox in the first layer. */
function savedBusybox(config: Record<string, unknown>, tags: string[] = []): Buffer {
  const layers = [busyboxImage(), tarOf(SECOND_LAYER)];
  const diff_ids = layers.map((layer) => `sha256:${createHash('sha256').update(layer).digest('hex')}`);
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const platform = { os: 'linux', architecture: process.arch === 'x64' ? 'amd64' : 'arm64' };
  return tarOf([
    { name: 'c.json', body: json({ ...platform, config, rootfs: { type: 'layers', diff_ids } }) },
    ...layers.map((body, index) => ({ name: `${index}.tar`, body })),
    { name: 'manifest.json', body: json([{ Config: 'c.json', RepoTags: tags, Layers: ['0.tar', '1.tar'] }]) },
  ]);
}

describeDocker('images of packages', () => {
  let engine: PrivateEngine;
  const activities: DockerActivity[] = [];

  beforeEach(async () => {
    engine = new PrivateEngine();
    await engine.start();
  }, 120_000);
  afterEach(async () => {
    for (const made of activities.splice(0)) await made.remove().catch(() => undefined);
    await engine.remove();
  }, 120_000);

  function activity(image: Buffer, options: Record<string, unknown> = {}): DockerActivity {
    const made = new DockerActivity({ socketPath: engine.socketPath, ...options }, makePlace(image));
    activities.push(made);
    return made;
  }

  async function allNames(): Promise<string[]> {
    const { body } = await engineReply('GET', '/images/json', engine.socketPath);
    const images: { RepoTags: string[] | null }[] = JSON.parse(body);
    return images.flatMap(({ RepoTags }) => RepoTags ?? []).sort();
  }
  /** Names of all images, sorted. */
  async function names(): Promise<string[]> {
    const all = await allNames();
    const notes = all.filter((name) => NOTE.test(name));
    // What is noted of an image goes with it.
    expect(notes.filter((note) => !all.includes(note.replace(NOTE, '')))).toEqual([]);
    return all.filter((name) => !notes.includes(name));
  }
  const nameOf = (image: Buffer): string =>
    `ergon-package:${createHash('sha256').update(image).digest('hex')}`;

  it('may be archives of `docker save`, compressed, whose settings count and whose tags do not', async () => {
    const victim = activity(busyboxImage());
    await victim.deploy();
    const victimName = nameOf(busyboxImage());
    await engineReply('POST', `/images/${victimName}/tag?repo=victim&tag=latest`, engine.socketPath);
    const before = (await engineReply('GET', '/images/victim:latest/json', engine.socketPath)).body;

    const config = {
      Env: ['FROM_IMAGE=yes', 'BOTH=image'],
      WorkingDir: '/tmp',
      User: '0',
      Entrypoint: ['/bin/false'],
      Volumes: { '/data': {} },
      Healthcheck: { Test: ['CMD', '/bin/true'], Interval: 1_000_000 },
    };
    // As images made for Golem do it.
    Object.assign(config.Volumes, { '/golem/work': {}, '/golem/output': {} });
    const archive = gzipSync(savedBusybox(config, ['victim:latest', victimName]));
    const it = await activity(archive).start({
      activityId: 'saved',
      env: { BOTH: 'deployment' },
      volumes: ['/extra/deep'],
    });
    expect((await it.run('pwd; echo $FROM_IMAGE $BOTH; cat /marker; id -u')).stdout).toBe(
      '/tmp\nyes deployment\nsecond layer1000\n',
    );
    // A volume that the image declares is ours, with the quota, and seen by transfers.
    expect((await it.run('echo x > /data/x; cat /volume/data/x')).stdout).toBe('x\n');
    // What was asked for with the deployment is there, too, and what the image has beside our directories stays.
    expect((await it.run('echo x > /extra/deep/x; cat /volume/extra/deep/x')).stdout).toBe('x\n');
    expect(
      (await it.run('/golem/entrypoints/run.sh > /golem/output/x; cat /volume/golem/output/x')).stdout,
    ).toBe('of the image\n');
    const view = await it.runtime.guestView(it.handle);
    expect(view.workingDirectory).toBe('/tmp');
    const golem = ['input', 'output', 'resource', 'work'].map((name) => `/golem/${name}`);
    expect(view.directories.map(({ guestPath }) => guestPath).sort()).toEqual(
      ['/data', '/extra/deep', ...golem, '/tmp', '/volume'].sort(),
    );
    expect((await it.run('head -c 40000000 /dev/zero > /data/big')).exit).toMatchObject({ limit: 'disk' });
    // Nor was there one of the engine's for a moment, which would know no quota.
    const made = encodeURIComponent(JSON.stringify({ type: ['volume'] }));
    const until = Math.ceil(Date.now() / 1000) + 1;
    const events = `/events?since=0&until=${until}&filters=${made}`;
    expect((await engineReply('GET', events, engine.socketPath)).body).toBe('');

    expect((await engineReply('GET', '/images/victim:latest/json', engine.socketPath)).body).toBe(before);
    expect(await names()).toEqual([victimName, nameOf(archive), 'victim:latest'].sort());
  });

  it('are loaded once, and go by their last use when there is no room', async () => {
    const images = [1, 2, 3].map((n) => busyboxImage([{ name: 'id', body: Buffer.alloc(1000, n) }]));
    const [first, second, third] = images as [Buffer, Buffer, Buffer];
    // Room for two of them.
    const options = { imageCacheBytes: 5_000_000 };
    const deployAndRemove = async (image: Buffer): Promise<void> => {
      const it = await activity(image, options).deploy();
      await it.runtime.destroy(it.handle);
    };
    await deployAndRemove(first);
    await engineReply('POST', `/images/${nameOf(first)}/tag?repo=somebodys&tag=own`, engine.socketPath);
    const { body } = await engineReply('GET', '/images/somebodys:own/json', engine.socketPath);
    await deployAndRemove(second);
    await deployAndRemove(first);
    expect(await names()).toEqual([nameOf(first), nameOf(second), 'somebodys:own'].sort());
    await deployAndRemove(third);
    expect(await names()).toEqual([nameOf(first), nameOf(third), 'somebodys:own'].sort());
    await deployAndRemove(second);
    // Ours has lost its name; what somebody else calls it stays.
    expect(await names()).toEqual([nameOf(second), nameOf(third), 'somebodys:own'].sort());
    const after = await engineReply('GET', '/images/somebodys:own/json', engine.socketPath);
    expect(JSON.parse(after.body).Id).toBe(JSON.parse(body).Id);
  }, 120_000);

  it('of the engine become packages by their names', async () => {
    const made = await activity(busyboxImage()).deploy();
    await engineReply(
      'POST',
      `/images/${nameOf(busyboxImage())}/tag?repo=own/tools&tag=1`,
      engine.socketPath,
    );
    const found = await made.runtime.packageOf?.('own/tools:1');
    if (found === undefined) throw new Error('the engine knows the image');
    expect(found.reference).toBeUndefined();
    const { body } = await engineReply('GET', '/images/own/tools:1/json', engine.socketPath);
    expect(found.id).toBe(JSON.parse(body).Id);
    const archive = await buffer(Readable.from(await found.open()));
    const it = await activity(archive).start({ activityId: 'of-the-engine' });
    expect((await it.run('echo here')).stdout).toBe('here\n');
    expect(await made.runtime.packageOf?.('own/tools:2')).toBeUndefined();
    expect(await made.runtime.packageOf?.('../../containers')).toBeUndefined();
    await engine.kill();
    expect(await made.runtime.packageOf?.('own/tools:1')).toBeUndefined();
    await engine.start();
  }, 120_000);

  it('stay while a container uses them', async () => {
    const [first, second] = [1, 2].map((n) => busyboxImage([{ name: 'id', body: Buffer.alloc(1000, n) }]));
    const used = await activity(first!, { imageCacheBytes: 1 }).start();
    await activity(second!, { imageCacheBytes: 1 }).deploy({ activityId: 'other' });
    expect(await names()).toEqual([nameOf(first!), nameOf(second!)].sort());
    expect((await used.run('echo here')).stdout).toBe('here\n');
  });

  it('are refused when they unpack to too much, before the engine has them', async () => {
    const bomb = gzipSync(busyboxImage([{ name: 'zeros', body: Buffer.alloc(64 << 20) }]));
    await expect(activity(bomb, { maxImageBytes: 16 << 20 }).deploy()).rejects.toMatchObject({
      code: 'ERR_RUNTIME_PACKAGE',
      message: expect.stringContaining('unpacks to more'),
    });
    const layer = gzipSync(tarOf([{ name: 'zeros', body: Buffer.alloc(64 << 20) }]));
    const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
    const saved = tarOf([
      { name: 'c.json', body: json({ rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } }) },
      { name: '0.tar', body: layer },
      { name: 'manifest.json', body: json([{ Config: 'c.json', Layers: ['0.tar'] }]) },
    ]);
    await expect(activity(saved, { maxImageBytes: 16 << 20 }).deploy()).rejects.toMatchObject({
      code: 'ERR_RUNTIME_PACKAGE',
      message: expect.stringContaining('unpack to more'),
    });
    // What it says of itself is not what it is: the engine notices.
    await expect(activity(saved).deploy()).rejects.toMatchObject({ code: 'ERR_RUNTIME_PACKAGE' });
    expect(await names()).toEqual([]);
  }, 120_000);

  it('may be named by a digest: here already, or pulled from a registry that is allowed', async () => {
    const registry = new FakeRegistry(busyboxImage());
    const host = await registry.start();
    try {
      const reference = Buffer.from(JSON.stringify({ image: `${host}/some/image:tag@${registry.digest}` }));
      await expect(activity(reference).deploy()).rejects.toMatchObject({
        code: 'ERR_RUNTIME_PACKAGE',
        message: expect.stringContaining('nothing is pulled from'),
      });
      const options = { registries: [host], imageCacheBytes: 1 };
      const it = await activity(reference, options).start();
      expect((await it.run('echo $FROM_IMAGE')).stdout).toBe('yes\n');
      expect(await names()).toEqual([nameOf(reference)]);
      const pulls = registry.pulls;
      await activity(reference, options).deploy({ activityId: 'again' });
      expect(registry.pulls).toBe(pulls);
      for (const made of activities.splice(0)) await made.remove();
      // It goes when another one needs the room, with the name that the pull gave it.
      await activity(busyboxImage([{ name: 'x' }]), options).deploy({ activityId: 'next' });
      expect(await names()).toEqual([nameOf(busyboxImage([{ name: 'x' }]))]);
      const gone = await engineReply(
        'GET',
        `/images/${host}/some/image@${registry.digest}/json`,
        engine.socketPath,
      );
      expect(gone.status).toBe(404);
    } finally {
      registry.stop();
    }
  }, 120_000);

  it('may be local ones of the provider, which are never removed', async () => {
    const own = await activity(busyboxImage(), { imageCacheBytes: 1 }).deploy({ activityId: 'own' });
    await engineReply('POST', `/images/${nameOf(busyboxImage())}/tag?repo=own&tag=image`, engine.socketPath);
    await own.runtime.destroy(own.handle);
    for (const name of await allNames()) {
      if (name.startsWith(nameOf(busyboxImage())))
        await engineReply('DELETE', `/images/${name}`, engine.socketPath);
    }
    const { body } = await engineReply('GET', '/images/own:image/json', engine.socketPath);
    const reference = Buffer.from(JSON.stringify({ image: `own@${JSON.parse(body).Id}` }));
    const it = await activity(reference, { imageCacheBytes: 1 }).start();
    expect((await it.run('echo local')).stdout).toBe('local\n');
    expect(await names()).toEqual(['own:image']);
  }, 120_000);

  it('are refused when they are for another machine, or declare what may not be mounted', async () => {
    const wrong = savedBusybox({ Volumes: { '/proc': {} } });
    await expect(activity(wrong).deploy()).rejects.toMatchObject({ code: 'ERR_RUNTIME_PACKAGE' });
    const place = makePlace(Buffer.from('x'));
    writeFileSync(place.packagePath, '');
    const empty = new DockerActivity({ socketPath: engine.socketPath }, place);
    activities.push(empty);
    await expect(empty.deploy()).rejects.toMatchObject({ code: 'ERR_RUNTIME_PACKAGE' });
    await expect(empty.deploy({ packagePath: '/nowhere' })).rejects.toMatchObject({
      code: 'ERR_RUNTIME_PACKAGE',
    });
  });
});
