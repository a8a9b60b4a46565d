import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { DockerActivity } from '../../support/docker-activity.ts';
import {
  busyboxImage,
  describeDocker,
  engineCall,
  engineReply,
  makePlace,
} from '../../support/docker-engine.ts';

const activities: DockerActivity[] = [];
const activity = (options: Record<string, unknown> = {}, place = makePlace()): DockerActivity => {
  const made = new DockerActivity(options, place);
  activities.push(made);
  return made;
};

afterEach(async () => {
  for (const made of activities.splice(0)) await made.remove();
});

describeDocker('limits of a container', () => {
  it('tells a command that ran out of memory from one that exits with 137 and one that was killed', async () => {
    const it = await activity().start();
    const hog = await it.run('dd if=/dev/zero of=/dev/null bs=1G count=1');
    expect(hog.exit).toMatchObject({ kind: 'limit', limit: 'memory', limitValue: 64 << 20 });
    expect((await it.run('exit 137')).exit).toEqual({ kind: 'exited', code: 137 });
    expect((await it.run('kill -9 $$')).exit).toEqual({ kind: 'signaled', signal: 'SIGKILL' });
    // A child ran out of memory, and its parent got over it.
    const survivor = await it.run('dd if=/dev/zero of=/dev/null bs=1G count=1; echo alive; true');
    expect(survivor).toMatchObject({ exit: { kind: 'exited', code: 0 }, stdout: 'alive\n' });
    expect((await it.runtime.stats(it.handle)).memoryPeakBytes).toBeGreaterThan(60 << 20);
  });

  it('counts /tmp as disk', async () => {
    const it = await activity().start();
    expect((await it.run('head -c 12000000 /dev/zero > /tmp/a && wc -c < /tmp/a')).stdout).toBe('12000000\n');
    const { diskBytes } = await it.runtime.stats(it.handle);
    expect(diskBytes).toBeGreaterThanOrEqual(12_000_000);
    expect((await it.run('head -c 12000000 /dev/zero > /tmp/b')).exit).toMatchObject({ limit: 'disk' });
  });

  it('ends a fork bomb, and the machine has its processes back', async () => {
    const it = await activity({ pidsLimit: 64 }).start();
    const { exit } = await it.run('bomb() { bomb | bomb & bomb; }; bomb; sleep 100000');
    expect(exit).toEqual({ kind: 'limit', limit: 'pids', limitValue: 64, observed: 65 });
    await it.runtime.stop(it.handle);
    const pids = `/sys/fs/cgroup/pids/docker/${it.container}/pids.current`;
    if (existsSync(pids)) {
      await expect.poll(() => Number(readFileSync(pids, 'utf8')), { timeout: 10_000 }).toBe(1);
    }
  });

  it('has a CPU quota in the kernel before the first instruction runs', async () => {
    const it = await activity().deploy();
    const { body } = await engineReply('GET', `/containers/${it.container}/json`);
    expect(JSON.parse(body).HostConfig).toMatchObject({ NanoCpus: 1e9, CpuShares: 1024, PidsLimit: 512 });
    await it.runtime.start(it.handle, []);
    const quota = await it.run(
      'cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null; true',
    );
    expect(quota.stdout).toMatch(/^100000/);
  });

  for (const volume of ['filesystem', 'measured']) {
    it(`ends what fills its disk, with many files too (${volume})`, async () => {
      const it = await activity({ volume }).start();
      const filler = 'i=0; while head -c 1000000 /dev/zero > /golem/work/$i; do i=$((i+1)); done; exit 1';
      const { exit } = await it.run(filler);
      expect(exit).toMatchObject({ kind: 'limit', limit: 'disk', limitValue: 16 << 20 });
    });

    it(`ends what hides its files (${volume})`, async () => {
      const it = await activity({ volume }).start();
      const { exit } = await it.run(
        'for i in 3 4 5 6 7; do eval "exec $i> /golem/work/f"; rm /golem/work/f; head -c 6000000 /dev/zero >&$i || { sleep 2; exit 1; }; done; sleep 1000',
      );
      expect(exit).toMatchObject({ kind: 'limit', limit: 'disk', limitValue: 16 << 20 });
    });

    it(`ends what makes files without end (${volume})`, async () => {
      const it = await activity({ volume }).start();
      const { exit } = await it.run(
        'mkdir /golem/work/d; cd /golem/work/d; i=0; while : > $i; do i=$((i+1)); done; exit 1',
      );
      // As many as blocks of 4 kB in 16 MB; the directory itself and what the file system keeps for itself count.
      expect(exit).toEqual({ kind: 'limit', limit: 'files', limitValue: 4096, observed: expect.any(Number) });
      expect(exit).toHaveProperty('observed', volume === 'filesystem' ? 4096 : 4097);
      expect(readdirSync(`${it.runtime.volumeRoot(it.handle)}/golem/work/d`).length).toBeLessThan(100_000);
    });
  }

  it('goes on after a limit that was got over, and says the last one otherwise', async () => {
    const it = await activity().start();
    const { exit, stdout } = await it.run(
      'head -c 30000000 /dev/zero > /golem/work/f 2>/dev/null; rm /golem/work/f; echo cleaned',
    );
    expect(exit).toEqual({ kind: 'exited', code: 0 });
    expect(stdout).toBe('cleaned\n');
  });
});

describeDocker('walls of a container', () => {
  it('leaves a program no capability, no privilege, no network, no device and no place to write but its own', async () => {
    const it = await activity().start();
    const status = await it.run('cat /proc/self/status');
    expect(status.stdout).toMatch(/^CapEff:\s+0+$/m);
    expect(status.stdout).toMatch(/^CapBnd:\s+0+$/m);
    expect(status.stdout).toMatch(/^NoNewPrivs:\s+1$/m);
    expect(status.stdout).toMatch(/^Seccomp:\s+2$/m);
    expect((await it.run('id -u; id -g')).stdout).toBe('1000\n1000\n');
    // So that the kernel kills it, and not its init.
    expect((await it.run('cat /proc/self/oom_score_adj')).stdout).toBe('500\n');
    for (const attempt of [
      'echo x > /etc/passwd',
      'echo x > /bin/x',
      'mknod /golem/work/d b 7 0',
      'mount -t tmpfs none /tmp',
      'echo 1 > /proc/sys/kernel/panic',
      'echo x > /.ergon/init',
      'rm -f /.ergon/control',
      'cat /.ergon/control',
      'cat /proc/1/mem',
      'ls /proc/1/fd',
      'echo 0 > /sys/fs/cgroup/memory/memory.limit_in_bytes',
      'wget -T 2 -q -O - http://169.254.169.254/',
    ]) {
      expect((await it.run(`${attempt} 2>/dev/null`)).exit, attempt).not.toEqual({ kind: 'exited', code: 0 });
    }
    expect((await it.run("cat /proc/net/dev | awk 'NR > 2 { print $1 }'")).stdout.trim()).toMatch(/^(lo:)?$/);
  });

  it('lets it write only where a file system of a fixed size is', async () => {
    // So that nothing is left for the engine's own quota of a container's layer.
    const open = [
      { name: 'open/', type: '5', mode: 0o777 },
      { name: 'open/file', mode: 0o666 },
    ];
    const it = await activity({ volume: 'filesystem' }, makePlace(busyboxImage(open))).start();
    const { stdout } = await it.run(
      String.raw`busybox find / \( -path /proc -o -path /sys \) -prune -o -type d -print | while read -r d; do
        (: > "$d/probe") 2> /dev/null && rm "$d/probe" && busybox df -kP "$d" | tail -n 1
      done`,
    );
    const sizes = new Map(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(/\s+/))
        // Of the two mounts of the activity's disk, df names either.
        .map(([, kilobytes, , , , mount = '']) => [
          mount === '/tmp' ? '/volume' : mount,
          Number(kilobytes) * 1024,
        ]),
    );
    expect([...sizes.keys()].sort()).toEqual(['/dev/mqueue', '/dev/shm', '/volume']);
    const largest = {
      '/dev/mqueue': 0,
      '/dev/shm': 64 << 20,
      '/volume': (16 << 20) * 1.05,
    };
    for (const [mount, bytes] of Object.entries(largest))
      expect(sizes.get(mount), mount).toBeLessThanOrEqual(bytes);
    const files = await it.run(
      String.raw`busybox find / \( -path /proc -o -path /sys -o -path /golem -o -path /tmp -o -path /volume \) -prune -o -type f -print |
        while read -r f; do (: >> "$f") 2> /dev/null && echo "$f"; done; true`,
    );
    expect(files.stdout).toBe('');
  });

  it('survives what a program does to its init', async () => {
    const it = await activity().start();
    await it.run('kill -9 1; kill -STOP 1; kill -QUIT 1; kill -TERM 1; kill -INT 1; true');
    expect((await it.run('echo still here')).stdout).toBe('still here\n');
  });

  it('says so when the container ends under a command', async () => {
    const it = await activity().start();
    const running = await it.launch({ entryPoint: 'sleep', args: ['1000'] });
    expect(await engineCall('POST', `/containers/${it.container}/kill`)).toBe(204);
    expect(await running.exit).toEqual({
      kind: 'failed',
      message: 'The container ended while the command was running',
    });
    await expect(it.run('true')).rejects.toMatchObject({ code: 'ERR_RUNTIME_FAILED' });
  });

  it('lets a service live on that has let go of the streams, and ends one that holds them', async () => {
    const it = await activity().start();
    const started = await it.run('sleep 100000 > /dev/null 2>&1 < /dev/null & echo started');
    expect(started).toMatchObject({ exit: { kind: 'exited', code: 0 }, stdout: 'started\n' });
    expect((await it.run('ps')).stdout).toContain('sleep 100000');
    expect((await it.run('yes & echo begun')).exit).toEqual({ kind: 'exited', code: 0 });
    expect((await it.run('ps')).stdout).not.toContain('yes');
  });

  it('names what it cannot start', async () => {
    const it = await activity().start();
    for (const entryPoint of ['nowhere', '/nowhere', '/etc', '/etc/passwd', 'a\0b']) {
      await expect(it.launch({ entryPoint })).rejects.toMatchObject({ code: 'ERR_RUNTIME_PROGRAM' });
    }
    expect((await it.run('echo on')).stdout).toBe('on\n');
  });

  it('gives transferred files to the program', async () => {
    const it = await activity().start();
    const root = it.runtime.volumeRoot(it.handle);
    mkdirSync(`${root}/golem/work/deep`, { mode: 0o700 });
    writeFileSync(`${root}/golem/work/deep/file`, 'mine', { mode: 0o600 });
    expect((await it.run('cd deep && cat file && echo more >> file')).stdout).toBe('mine');
  });
});
