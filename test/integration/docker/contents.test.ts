import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { containerName, contentsName } from '../../../runtimes/docker/container-name.ts';
import { DockerActivity } from '../../support/docker-activity.ts';
import { busyboxImage, describeDocker, engineReply, makePlace } from '../../support/docker-engine.ts';
import { EngineTap } from '../../support/engine-tap.ts';
import type { TarFile } from '../../support/tar.ts';
import { savedImage, sha256 } from '../../unit/docker/images.ts';

const activities: DockerActivity[] = [];
let tap: EngineTap;
beforeEach(async () => {
  tap = await new EngineTap().start();
});
afterEach(async () => {
  tap.breaksOff = () => false;
  for (const made of activities.splice(0)) await made.remove();
  tap.stop();
});

const directory = (name: string, mode = 0o755): TarFile => ({ name: `${name}/`, type: '5', mode });
const file = (name: string, text: string, more: Partial<TarFile> = {}): TarFile => ({
  name,
  body: Buffer.from(text),
  ...more,
});

/** An activity with an image that has these files beside busybox, and declares these volumes. */
function activity(
  files: TarFile[],
  { volumes = [], options = {} }: { volumes?: string[]; options?: Record<string, unknown> } = {},
): DockerActivity {
  const Volumes = Object.fromEntries(volumes.map((volume) => [volume, {}]));
  const image = savedImage({ layers: [busyboxImage(files)], config: { config: { Volumes } } });
  const made = new DockerActivity({ socketPath: tap.socketPath, ...options }, makePlace(image));
  activities.push(made);
  return made;
}

const placeOf = ({ place }: DockerActivity) => ({ activityId: 'activity', workDir: place.workDir });

/** How often the engine was asked to make, and to remove, the container that images are read from. */
function readings(): { made: number; removed: number } {
  return {
    made: tap.count(/name=ergon-contents-/),
    removed: tap.count(/^DELETE \/containers\/[0-9a-f]{64}\?/),
  };
}

/** Names of an image by which it is remembered that there is nothing. */
async function notesOn(image: string): Promise<string[]> {
  const { body } = await engineReply('GET', '/images/json');
  const images: { RepoTags: string[] | null }[] = JSON.parse(body);
  return images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((name) => name.startsWith(`${image}-`));
}

describeDocker('what an image has at the volumes of an activity', () => {
  it.each(['filesystem', 'measured'])('is in a new one that is %s, and the program’s own', async (volume) => {
    const files = [
      directory('golem'),
      directory('golem/work', 0o711),
      file('golem/work/hello.txt', 'hello from the image\n'),
      directory('tmp', 0o1777),
      file('tmp/of-the-image', ''),
      directory('data', 0o700),
      file('data/secret', 'of another user\n', { mode: 0o600, uid: 999 }),
      file('data/program', '#!/bin/sh\necho runs\n', { mode: 0o755 }),
      { name: 'data/shortcut', type: '2', link: '/etc/passwd' },
      { name: 'data/same', type: '1', link: 'data/secret', mode: 0o600, uid: 999 },
      directory('data/nested'),
      file('data/nested/deep', 'deep\n'),
      directory('asked/for'),
      file('asked/for/this', 'asked for\n'),
      directory('empty'),
    ];
    const volumes = ['/data', '/data/nested', '/empty', '/golem/work', '/not-there'];
    const it = activity(files, { volumes, options: { volume } });
    await it.deploy({ volumes: ['/asked/for'] });
    // An attempt that was broken off, and another one.
    writeFileSync(join(it.runtime.volumeRoot(it.handle), 'data/left-over'), '');
    await it.start({ volumes: ['/asked/for'] });
    expect((await it.run('cat hello.txt')).stdout).toBe('hello from the image\n');
    expect((await it.run('cat /data/secret /data/same /data/nested/deep /asked/for/this')).stdout).toBe(
      'of another user\nof another user\ndeep\nasked for\n',
    );
    expect((await it.run('/data/program; cat /data/shortcut')).stdout).toContain('runs\nroot:');
    expect((await it.run('cd /; ls -a data data/nested empty tmp not-there')).stdout).toBe(
      [
        'data:\n.\n..\nnested\nprogram\nsame\nsecret\nshortcut\n',
        'data/nested:\n.\n..\ndeep\n',
        'empty:\n.\n..\n',
        'not-there:\n.\n..\n',
        'tmp:\n.\n..\nof-the-image\n',
      ].join('\n'),
    );
    const all = '/golem/work /tmp /data /data/secret /data/program /data/nested /asked/for/this';
    expect((await it.run(`busybox stat -c '%a %u %h %n' ${all}`)).stdout).toBe(
      [
        '711 1000 2 /golem/work',
        '1777 1000 2 /tmp',
        '700 1000 3 /data',
        '600 1000 2 /data/secret',
        '755 1000 1 /data/program',
        '755 1000 2 /data/nested',
        '644 1000 1 /asked/for/this',
        '',
      ].join('\n'),
    );
    const script = 'echo more >> hello.txt && rm /data/same && echo x > /data/nested/x && echo done';
    expect((await it.run(script)).stdout).toBe('done\n');
    expect(readings()).toEqual({ made: 2, removed: 2 });
  });

  it('is looked for once when there is nothing, and after that only where a deployment asks', async () => {
    const files = [directory('tmp', 0o1777), directory('asked'), file('asked/for', 'found\n')];
    const it = activity(files, { volumes: ['/data'] });
    const image = `ergon-package:${sha256(readFileSync(it.place.packagePath))}`;
    // Of an earlier run.
    await engineReply('DELETE', `/images/${image}`);
    for (const note of await notesOn(image)) await engineReply('DELETE', `/images/${note}`);
    await it.deploy();
    expect(readings()).toEqual({ made: 1, removed: 1 });
    expect(await notesOn(image)).toHaveLength(1);
    await it.deploy();
    expect(readings()).toEqual({ made: 1, removed: 1 });
    await it.start({ volumes: ['/asked'] });
    expect(readings()).toEqual({ made: 2, removed: 2 });
    expect((await it.run('cat /asked/for; ls /tmp /data /golem/work')).stdout).toContain('found\n');
  });

  it('is the image’s own, wherever a link in its place leads', async () => {
    const it = activity(
      [
        directory('golem'),
        { name: 'golem/work', type: '2', link: '../../../../etc' },
        directory('tmp', 0o1777),
        { name: 'tmp/way', type: '2', link: '/etc' },
        { name: 'tmp/device', type: '3' },
        { name: 'tmp/up', type: '2', link: '../../../../../..' },
        { name: 'everything', type: '2', link: '..' },
      ],
      { volumes: ['/tmp/way/deep'] },
    );
    await it.deploy({ volumes: ['/everything'] });
    const root = it.runtime.volumeRoot(it.handle);
    expect(readdirSync(join(root, 'golem/work'))).toContain('passwd');
    expect(readdirSync(join(root, 'golem/work'))).not.toContain('debian_version');
    expect(readdirSync(join(root, 'tmp')).sort()).toEqual(['up', 'way']);
    expect(readdirSync(join(root, 'tmp/way'))).toEqual(['deep']);
    expect(readdirSync(join(root, 'everything'))).toContain('bin');
    expect(readdirSync(dirname(root)).sort()).toEqual(['runtime', 'volumes']);
  });

  const tooMany = Array.from({ length: 1100 }, (_, index) => file(`golem/work/${index}`, ''));
  const longLinks = Array.from({ length: 400 }, (_, index) => ({
    name: `golem/work/${index}`,
    type: '2',
    link: 'x'.repeat(90),
  }));
  it.each([
    ['bytes', [file('tmp/large', 'x'.repeat(2 << 20))], 'disk', 'measured', 0],
    ['bytes that only the file system counts', longLinks, 'disk', 'filesystem', 400],
    ['files', tooMany, 'files', 'filesystem', 1100],
  ])(
    'has a limit of %s, and leaves nothing when it is over that',
    async (_, files, limit, volume, inWork) => {
      const it = activity(files, { options: { volume } });
      const resources = { cpuThreads: 1, memoryBytes: 64 << 20, storageBytes: 1 << 20 };
      const refused = await it.deploy({ resources }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'ERR_RUNTIME_STORAGE', detail: { limit } });
      const { limitValue, observed } = (refused as { detail: Record<string, number> }).detail;
      expect(observed).toBeGreaterThan(limitValue!);
      expect(limitValue).toBeGreaterThanOrEqual(limit === 'files' ? 1024 : 1 << 20);
      expect(readings()).toEqual({ made: 1, removed: 1 });
      await it.runtime.discard?.(placeOf(it));
      // With more storage it is there.
      await it.deploy();
      expect(readdirSync(join(it.runtime.volumeRoot(it.handle), 'golem/work'))).toHaveLength(inWork);
    },
  );

  it('is unknown when the engine breaks off, and comes at the next attempt', async () => {
    const it = activity([directory('tmp'), file('tmp/a', 'x'.repeat(50_000)), file('tmp/b', 'b')]);
    tap.breaksOff = (request) => request.includes('/archive?path=%2Ftmp');
    await expect(it.deploy()).rejects.toMatchObject({ code: 'ERR_RUNTIME_ENGINE_UNREACHABLE' });
    expect(readings()).toEqual({ made: 1, removed: 1 });
    tap.breaksOff = () => false;
    await it.deploy();
    expect(readdirSync(join(it.runtime.volumeRoot(it.handle), 'tmp'))).toEqual(['a', 'b']);
  });

  it('is read from a container that is found by its name and labels when nobody removes it', async () => {
    const it = activity([directory('tmp'), file('tmp/x', '')]);
    // As the reaper finds it: its directory is named after it.
    const spec = { nodeId: 'node', activityId: basename(it.place.workDir) };
    await it.deploy(spec);
    const place = { ...spec, workDir: it.place.workDir };
    const leave = async (): Promise<string> => {
      const { body } = await engineReply('GET', `/containers/${containerName(place)}/json`);
      const { Image, Config } = JSON.parse(body);
      const path = `/containers/create?name=${contentsName(place)}`;
      const made = await engineReply('POST', path, undefined, { Image, Cmd: ['x'], Labels: Config.Labels });
      expect(made.status).toBe(201);
      return String(JSON.parse(made.body).Id);
    };
    const isThere = async (id: string): Promise<boolean> =>
      (await engineReply('GET', `/containers/${id}/json`)).status === 200;
    const first = await leave();
    await it.deploy(spec);
    expect(await isThere(first)).toBe(false);
    const second = await leave();
    const scope = { nodeId: 'node', activitiesDirectory: dirname(place.workDir), graceMs: 3_600_000 };
    await it.runtime.reap?.({ ...scope, standingOf: async () => 'live' });
    expect(await isThere(second)).toBe(true);
    const reaped = await it.runtime.reap?.({ ...scope, standingOf: async () => 'ended' });
    expect(reaped?.removed).toContain(second);
    await it.deploy(spec);
    const third = await leave();
    await it.runtime.discard?.(place);
    expect(await isThere(third)).toBe(false);
  });
});
