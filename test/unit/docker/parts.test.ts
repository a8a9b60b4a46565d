import { parseTraffic } from '../../../runtimes/docker/limits/network.ts';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerName } from '../../../runtimes/docker/container-name.ts';
import { ownContainerId } from '../../../runtimes/docker/own-container.ts';
import { containerSpec } from '../../../runtimes/docker/container-spec.ts';
import { classifyExit, type Evidence } from '../../../runtimes/docker/exit.ts';
import { deployVolumes, imageVolumes } from '../../../runtimes/docker/image/image-volumes.ts';
import { readReference } from '../../../runtimes/docker/image/reference.ts';
import { BINARIES, SOURCE_SHA256 } from '../../../runtimes/docker/init/binaries.ts';
import * as tunnel from '../../../runtimes/docker/tunnel/binaries.ts';
import {
  encodeKill,
  encodeRun,
  EventDecoder,
  MAX_MESSAGE_BYTES,
  waitStatus,
} from '../../../runtimes/docker/init/protocol.ts';
import { findCgroup } from '../../../runtimes/docker/limits/container-cgroup.ts';
import { Meter } from '../../../runtimes/docker/limits/meter.ts';
import { settingsOf } from '../../../runtimes/docker/options.ts';
import { mountPoints } from '../../../runtimes/docker/volume/filesystem-volume.ts';
import { makeOwnedDirectory } from '../../../runtimes/docker/volume/owned-directories.ts';
import { workDirOf } from '../../../runtimes/docker/work-dir.ts';
import { readFileSync } from 'node:fs';
import { fileOf, sha256 } from './images.ts';

/** What a program of the runtime is compiled from. */
const sourceOf = (path: string): Buffer =>
  Buffer.concat(
    ['native/platform.h', path].map((file) =>
      readFileSync(new URL(`../../../runtimes/docker/${file}`, import.meta.url)),
    ),
  );

describe('options of the Docker runtime', () => {
  it('are checked, all at once', () => {
    expect(() => settingsOf({ user: '0:0', sockets: 1 })).toThrow(/user.*sockets|sockets.*user/s);
    expect(settingsOf({ pidsLimit: 64 })).toMatchObject({ pidsLimit: 64, openFilesLimit: 4096 });
  });
});

describe('the container of an activity', () => {
  const spec = {
    activityId: 'activity',
    workDir: '/data/activities/activity',
    env: { A: 'a b' },
    resources: { cpuThreads: 1, memoryBytes: 1 << 30, storageBytes: 1 << 20 },
  };
  const image = {
    id: 'sha256:0',
    names: [],
    env: [],
    workingDir: '',
    ownVolumes: [],
    volumes: ['/var/data'],
  };
  const made = (options = {}, more = {}) =>
    containerSpec({ ...spec, ...more }, image, workDirOf(spec.workDir), settingsOf(options));

  it('has every wall', () => {
    const { HostConfig, User, Healthcheck, Labels } = made({ user: '1000:1000' });
    expect(HostConfig).toMatchObject({
      Memory: 1 << 30,
      MemorySwap: 1 << 30,
      NanoCpus: 1e9,
      PidsLimit: 512,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
      Privileged: false,
      ReadonlyRootfs: true,
      NetworkMode: 'none',
      LogConfig: { Type: 'none' },
      RestartPolicy: { Name: 'no' },
    });
    expect(User).toBe('1000:1000');
    expect(Healthcheck).toEqual({ Test: ['NONE'] });
    expect(Labels).toEqual({
      'ergon.node': '/data/activities',
      'ergon.agreement': '',
      'ergon.activity': 'activity',
      'ergon.attempt': '1',
    });
  });

  it('has shared memory within bounds, also with more memory than 31 bits can count', () => {
    for (const memoryBytes of [2 ** 31, 2 ** 32, 2 ** 34 + 1]) {
      const { HostConfig } = made({}, { resources: { ...spec.resources, memoryBytes } });
      expect(HostConfig).toMatchObject({ Memory: memoryBytes, ShmSize: 64 * 2 ** 20 });
    }
    const small = made({}, { resources: { ...spec.resources, memoryBytes: 2 ** 23 + 1 } });
    expect(small.HostConfig?.ShmSize).toBe(2 ** 22);
  });

  it('gets a network only when one is granted and there is one to grant', () => {
    expect(made({}, { network: true }).HostConfig?.NetworkMode).toBe('none');
    expect(made({ network: 'bridge' }).HostConfig?.NetworkMode).toBe('none');
    expect(made({ network: 'bridge' }, { network: true }).HostConfig?.NetworkMode).toBe('bridge');
  });

  it('mounts what the engine knows by another name by that', () => {
    const mounts = made({ hostPaths: { '/data': '/srv/ergon', '/da': '/wrong' } }).HostConfig?.Mounts;
    expect(mounts?.map(({ Source, Target }) => [Source, Target])).toEqual([
      ['/srv/ergon/activities/activity/runtime/guest', '/.ergon'],
      ['/srv/ergon/activities/activity/volumes', '/volume'],
      ['/srv/ergon/activities/activity/volumes/var/data', '/var/data'],
    ]);
  });

  it('has a name of its own in every place', () => {
    const name = containerName(spec);
    expect(name).toMatch(/^ergon-[0-9a-f]{12}-activity$/);
    expect(containerName(spec)).toBe(name);
    expect(containerName({ ...spec, workDir: '/other/activity' })).not.toBe(name);
  });
});

describe('the container that this process runs in', () => {
  const id = 'a'.repeat(64);
  const line = (root: string, mountPoint: string): string =>
    `700 699 254:0 ${root} ${mountPoint} rw,relatime - ext4 /dev/vda rw`;

  it('is told by the file that an engine mounts over /etc/hostname, and by nothing else', () => {
    expect(ownContainerId(line(`/var/lib/docker/containers/${id}/hostname`, '/etc/hostname'))).toBe(id);
    expect(ownContainerId(line(`/containers/${id}/hostname`, '/etc/hostname'))).toBe(id);
    // Of a host with containers, and of a container of another kind.
    expect(ownContainerId(line('/', `/var/lib/docker/containers/${id}/mounts/shm`))).toBeUndefined();
    expect(ownContainerId(line('/etc/hostname', '/etc/hostname'))).toBeUndefined();
    expect(ownContainerId('')).toBeUndefined();
  });
});

describe("an image's volumes", () => {
  it('are taken over, but not over what is ours or the kernel’s', () => {
    expect(imageVolumes(['/data/', '/data', 'relative', '/a/../b'])).toEqual(['/data', '/relative', '/b']);
    for (const bad of ['/', '/proc', '/proc/self', '/sys', '/dev/shm', '/.ergon', '/volume', '/x/..']) {
      expect(() => imageVolumes([bad]), bad).toThrow(/declares a volume/);
      expect(() => deployVolumes([bad]), bad).toThrow(/asks for a volume/);
    }
    expect(imageVolumes(['/golem/work', '/golem'])).toEqual(['/golem/work', '/golem']);
    expect(() => imageVolumes(Array.from({ length: 17 }, (_, index) => `/v${index}`))).toThrow(/17 volumes/);
  });

  it('are made as directories, and never through a link', async () => {
    const root = mkdtempSync(join(tmpdir(), 'ergon-volumes-'));
    try {
      const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
      await makeOwnedDirectory(root, '/a/b', owner);
      await makeOwnedDirectory(root, '/a/b', owner);
      symlinkSync('/etc', join(root, 'link'));
      writeFileSync(join(root, 'file'), '');
      for (const bad of ['/link', '/link/x', '/file', '/file/x']) {
        await expect(makeOwnedDirectory(root, bad, owner)).rejects.toThrow();
      }
    } finally {
      rmSync(root, { recursive: true });
    }
  });
});

describe('an image reference', () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const read = (text: string) => readReference(fileOf(Buffer.from(text)));

  it('is pinned by a digest, and knows its registry', async () => {
    const registries = {
      busybox: 'docker.io',
      'library/busybox:1': 'docker.io',
      'localhost:5000/x': 'localhost:5000',
    };
    for (const [name, registry] of Object.entries({ ...registries, 'ghcr.io/a/b:tag': 'ghcr.io' })) {
      expect(await read(JSON.stringify({ image: `${name}@${digest}` }))).toMatchObject({ registry, digest });
    }
    expect(await read(`{"image":"a/b:tag@${digest}"}`)).toMatchObject({ reference: `a/b@${digest}` });
    for (const bad of [
      '{',
      '{}',
      '{"image":"busybox"}',
      `{"image":"-rm@${digest}"}`,
      `{"image":"a@${digest}","x":1}`,
    ]) {
      await expect(read(bad), bad).rejects.toMatchObject({ code: 'ERR_RUNTIME_PACKAGE' });
    }
    expect(await read('\0\0\0')).toBeUndefined();
  });
});

describe('messages to init', () => {
  it('are as long as they say, and not longer than it can take', () => {
    const request = { id: 1, hasStdin: false, cwd: '/', args: ['a'], env: { A: '1' } };
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 50 })), (args) => {
        const message = encodeRun({ ...request, args: ['x', ...args] });
        if (args.some((arg) => arg.includes('\0'))) expect(message).toBeUndefined();
        else expect(message?.readUInt32LE(0)).toBe(message?.length);
      }),
    );
    expect(encodeRun({ ...request, args: ['x'.repeat(MAX_MESSAGE_BYTES)] })).toBeUndefined();
    expect([...encodeKill(9)]).toEqual([12, 0, 0, 0, 0x4b, 0, 0, 0, 9, 0, 0, 0]);
  });

  it('are decoded from bytes in any pieces, what is no event passed over', () => {
    const event = (type: string, id: number, value: number): Buffer => {
      const bytes = Buffer.alloc(12);
      bytes.write(type);
      bytes.writeUInt32LE(id, 4);
      bytes.writeInt32LE(value, 8);
      return bytes;
    };
    const all = Buffer.concat([event('S', 1, 0), event('?', 1, 1), event('X', 1, -1)]);
    fc.assert(
      fc.property(fc.nat(all.length), (cut) => {
        const decoder = new EventDecoder();
        expect([...decoder.take(all.subarray(0, cut)), ...decoder.take(all.subarray(cut))]).toEqual([
          { type: 'S', id: 1, value: 0 },
          { type: 'X', id: 1, value: -1 },
        ]);
      }),
    );
    expect(waitStatus(0x8900)).toEqual({ kind: 'exited', code: 137 });
    expect(waitStatus(0x89)).toEqual({ kind: 'signaled', signal: 9 });
  });

  it('are understood by programs that were compiled from their sources', () => {
    expect(SOURCE_SHA256).toBe(sha256(sourceOf('init/init.c')));
    expect(tunnel.SOURCE_SHA256).toBe(sha256(sourceOf('tunnel/tunnel.c')));
    for (const { BINARIES: binaries } of [{ BINARIES }, tunnel])
      expect(Object.keys(binaries)).toEqual(['x64', 'arm64']);
  });
});

describe('the end of a command', () => {
  const base: Evidence = {
    status: { kind: 'exited', code: 1 },
    violation: undefined,
    sentSignal: undefined,
    oomKills: 0,
    storageFull: undefined,
    diskBytes: 10,
    storageBytes: 10,
    memoryBytes: 20,
    memoryPeakBytes: 19,
  };
  const pids = { kind: 'limit', limit: 'pids', limitValue: 1, observed: 2 } as const;
  const disk = { kind: 'limit', limit: 'disk', limitValue: 10, observed: 11 } as const;
  const files = { kind: 'limit', limit: 'files', limitValue: 3, observed: 3 } as const;
  const memory = { kind: 'limit', limit: 'memory', limitValue: 20, observed: 19 };

  it.each<[string, Partial<Evidence>, unknown]>([
    ['its own code', {}, { kind: 'exited', code: 1 }],
    [
      'a clean end, whatever happened on the way',
      { status: { kind: 'exited', code: 0 }, oomKills: 1, storageFull: disk },
      { kind: 'exited', code: 0 },
    ],
    ['a violation, before all else', { violation: pids, oomKills: 1 }, pids],
    ['memory', { status: { kind: 'signaled', signal: 9 }, oomKills: 1 }, memory],
    ['memory, of a child', { status: { kind: 'exited', code: 137 }, oomKills: 2 }, memory],
    ['memory, of the whole container', { status: undefined, oomKills: 1 }, memory],
    [
      'a status that only looks like it',
      { status: { kind: 'exited', code: 137 } },
      { kind: 'exited', code: 137 },
    ],
    ['a kill', { status: { kind: 'signaled', signal: 9 } }, { kind: 'signaled', signal: 'SIGKILL' }],
    [
      'a kill of ours, of a program that lived on without memory and disk',
      { status: { kind: 'signaled', signal: 9 }, sentSignal: 'SIGKILL', oomKills: 1, storageFull: disk },
      { kind: 'signaled', signal: 'SIGKILL' },
    ],
    ['the disk', { storageFull: disk }, disk],
    ['too many files', { storageFull: files }, files],
    [
      'the largest file',
      { status: { kind: 'signaled', signal: 25 } },
      { kind: 'limit', limit: 'disk', limitValue: 10, observed: 11 },
    ],
    [
      'a removal of ours',
      { status: undefined, sentSignal: 'SIGKILL' },
      { kind: 'signaled', signal: 'SIGKILL' },
    ],
    [
      'a removal of somebody else’s',
      { status: undefined },
      { kind: 'failed', message: 'The container ended while the command was running' },
    ],
  ])('is %s', (_, evidence, exit) => {
    expect(classifyExit({ ...base, ...evidence })).toEqual(exit);
  });
});

describe("a container's figures", () => {
  function withFiles<T>(files: Record<string, string>, work: (root: string) => T): T {
    const root = mkdtempSync(join(tmpdir(), 'ergon-cgroup-'));
    try {
      for (const [name, text] of Object.entries(files)) {
        mkdirSync(join(root, name, '..'), { recursive: true });
        writeFileSync(join(root, name), text);
      }
      return work(root);
    } finally {
      rmSync(root, { recursive: true });
    }
  }
  const container = 'c'.repeat(64);
  const expected = {
    cpuNs: 5_000_000n,
    memoryBytes: 900,
    memoryPeakBytes: 2000,
    oomKills: 3,
    pidsRefused: 4,
  };
  const read = (root: string): unknown => {
    const cgroup = findCgroup({ root, container, pid: 0 });
    return {
      cpuNs: cgroup?.cpuNs(),
      memoryBytes: cgroup?.memoryBytes(),
      memoryPeakBytes: cgroup?.memoryPeakBytes(),
      oomKills: cgroup?.oomKills(),
      pidsRefused: cgroup?.pidsRefused(),
    };
  };

  it('are found in the first version of control groups', () => {
    const files = {
      [`cpu,cpuacct/docker/${container}/cpuacct.usage`]: '5000000\n',
      [`memory/docker/${container}/memory.usage_in_bytes`]: '1000\n',
      [`memory/docker/${container}/memory.stat`]: 'cache 1\ntotal_inactive_file 100\n',
      [`memory/docker/${container}/memory.max_usage_in_bytes`]: '2000\n',
      [`memory/docker/${container}/memory.oom_control`]: 'under_oom 0\noom_kill 3\n',
      [`pids/docker/${container}/pids.current`]: '1\n',
      [`pids/docker/${container}/pids.events`]: 'max 4\n',
    };
    expect(withFiles(files, read)).toEqual(expected);
  });

  it('and in the second, where systemd keeps them', () => {
    const place = `system.slice/docker-${container}.scope`;
    const files = {
      [`${place}/cpu.stat`]: 'usage_usec 5000\nuser_usec 1\n',
      [`${place}/memory.current`]: '1000\n',
      [`${place}/memory.stat`]: 'anon 1\ninactive_file 100\n',
      [`${place}/memory.peak`]: '2000\n',
      [`${place}/memory.events`]: 'oom 9\noom_kill 3\n',
      [`${place}/pids.events`]: 'max 4\n',
    };
    expect(withFiles(files, read)).toEqual(expected);
    expect(withFiles({}, (root) => findCgroup({ root, container, pid: 0 }))).toBeUndefined();
  });

  it('never fall, and stand when the container is gone', () => {
    let cpuNs: bigint | undefined = 10n;
    const meter = new Meter();
    expect(meter.read()).toMatchObject({ cpuNs: 0n, memoryBytes: 0, memoryPeakBytes: 0 });
    meter.attach({
      version: 2,
      cpuNs: () => cpuNs,
      memoryBytes: () => (cpuNs === undefined ? undefined : 5),
      memoryPeakBytes: () => (cpuNs === undefined ? undefined : 7),
      oomKills: () => 0,
      pidsRefused: () => 0,
      processes: () => [],
    });
    expect(meter.read()).toMatchObject({ cpuNs: 10n, memoryBytes: 5, memoryPeakBytes: 7 });
    cpuNs = 4n;
    expect(meter.read().cpuNs).toBe(10n);
    cpuNs = undefined;
    expect(meter.read()).toMatchObject({ cpuNs: 10n, memoryBytes: 0, memoryPeakBytes: 7 });
  });

  it('are of mounts whose names the kernel has escaped', () => {
    expect(mountPoints('36 25 7:0 / /data/a\\040b/volumes rw - ext4 /dev/loop0 rw\n')).toContain(
      '/data/a b/volumes',
    );
  });
});

describe("the kernel's table of network interfaces", () => {
  it('is summed up over all but the loopback one', () => {
    const table = [
      'Inter-|   Receive                                                |  Transmit',
      ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
      '    lo:     500       5    0    0    0     0          0         0      500       5    0    0    0     0       0          0',
      '  eth0: 3145728    2100    0    0    0     0          0         0   123456    1800    0    0    0     0       0          0',
      'eth1:10       1    0    0    0     0          0         0   20    1    0    0    0     0       0          0',
    ].join('\n');
    expect(parseTraffic(table)).toEqual({ inBytes: 3_145_738n, outBytes: 123_476n });
    expect(parseTraffic('')).toEqual({ inBytes: 0n, outBytes: 0n });
  });
});
