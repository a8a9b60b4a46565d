import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { probeCgroups } from '../../../runtimes/wasi/limits/probe.ts';

/** Directories in place of the kernel's: files take any value, and a group is removed with what the test put in. */
describe('control groups', () => {
  let root: string;
  beforeEach(() => (root = fs.mkdtempSync(path.join(os.tmpdir(), 'ergon-cgroup-'))));
  afterEach(() => fs.rmSync(root, { recursive: true, force: true }));

  const put = (file: string, text: string): void => {
    fs.mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    fs.writeFileSync(path.join(root, file), text);
  };
  const get = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8');
  const mount = (type: string, at: string, options: string): string =>
    `30 20 0:26 / ${path.join(root, at)} rw,relatime shared:9 - ${type} cgroup rw,${options}`;

  it('of version 1 are made below our own, in every hierarchy', () => {
    for (const at of ['memory/own', 'cpu,cpuacct/own', 'pids', 'freezer']) {
      fs.mkdirSync(path.join(root, at), { recursive: true });
    }
    const tree = probeCgroups({
      mountInfo: [
        mount('cgroup', 'memory', 'memory'),
        mount('cgroup', 'cpu,cpuacct', 'cpu,cpuacct'),
        mount('cgroup', 'pids', 'pids'),
        mount('cgroup', 'freezer', 'freezer'),
      ].join('\n'),
      ownGroups: '4:memory:/own\n3:cpu,cpuacct:/own\n2:pids:/not/here\n1:freezer:/',
      probeName: 'probe',
    });
    expect(tree?.version).toBe(1);
    const group = tree!.open('g');
    expect(group.limit({ memoryBytes: 1000, cpuThreads: 2, pids: 7 })).toEqual(
      new Set(['memory', 'cpu', 'pids']),
    );
    expect(get('memory/own/g/memory.limit_in_bytes')).toBe('1000');
    expect(get('cpu,cpuacct/own/g/cpu.cfs_quota_us')).toBe('200000');
    expect(get('pids/g/pids.max')).toBe('7');
    group.add(4711);
    expect(get('freezer/g/cgroup.procs')).toBe('4711');
    expect(group.processes()).toEqual([4711]);
    put('cpu,cpuacct/own/g/cpuacct.usage', '123456789\n');
    put('memory/own/g/memory.oom_control', 'oom_kill_disable 0\nunder_oom 0\noom_kill 3\n');
    expect(group.cpuNs()).toBe(123_456_789n);
    expect(group.oomKills()).toBe(3);
    expect(group.freeze(true)).toBe(true);
    expect(group.isFrozen()).toBe(true);
    expect(group.remove()).toBe(false);
  });

  it('of version 2 are made where controllers can be had', () => {
    put('slice/own/cgroup.procs', '1');
    put('slice/cgroup.subtree_control', 'cpu memory pids');
    fs.mkdirSync(path.join(root, 'slice/own/cgroup.subtree_control'));
    const tree = probeCgroups({
      mountInfo: mount('cgroup2', '', 'nsdelegate'),
      ownGroups: '0::/slice/own',
      probeName: 'probe',
    });
    expect(tree?.version).toBe(2);
    expect(get('slice/cgroup.subtree_control')).toBe('cpu memory pids');
    const group = tree!.open('g');
    group.limit({ memoryBytes: 1000, cpuThreads: 1, pids: 7 });
    expect(get('slice/g/memory.max')).toBe('1000');
    expect(get('slice/g/cpu.max')).toBe('100000 100000');
    put('slice/g/cpu.stat', 'usage_usec 42\nuser_usec 40\n');
    put('slice/g/memory.events', 'oom 2\noom_kill 1\n');
    expect(group.cpuNs()).toBe(42_000n);
    expect(group.oomKills()).toBe(1);
    expect(group.freeze(true)).toBe(true);
    expect(get('slice/g/cgroup.freeze')).toBe('1');
  });

  it('are none where none can be made, or memory is not among them', () => {
    const nowhere = { mountInfo: '', ownGroups: '', probeName: 'probe' };
    expect(probeCgroups(nowhere)).toBeUndefined();
    fs.mkdirSync(path.join(root, 'pids'));
    expect(probeCgroups({ ...nowhere, mountInfo: mount('cgroup', 'pids', 'pids') })).toBeUndefined();
    expect(probeCgroups({ ...nowhere, mountInfo: mount('cgroup', 'memory', 'memory') })).toBeUndefined();
  });

  it('that nobody fills are swept up after a while', () => {
    fs.mkdirSync(path.join(root, 'memory'));
    const mountInfo = mount('cgroup', 'memory', 'memory');
    const tree = probeCgroups({ mountInfo, ownGroups: '', probeName: 'probe' })!;
    for (const name of ['ours-old', 'ours-new', 'other-old']) tree.open(name);
    for (const name of ['ours-old', 'other-old']) fs.utimesSync(path.join(root, 'memory', name), 1000, 1000);
    tree.open('ours-used').add(1);
    fs.utimesSync(path.join(root, 'memory/ours-used'), 1000, 1000);
    tree.sweep('ours-', 2_000_000);
    expect(fs.readdirSync(path.join(root, 'memory')).sort()).toEqual(['other-old', 'ours-new', 'ours-used']);
  });

  it('that are gone say nothing and fail nothing', () => {
    fs.mkdirSync(path.join(root, 'memory'));
    const tree = probeCgroups({
      mountInfo: mount('cgroup', 'memory', 'memory'),
      ownGroups: '',
      probeName: 'probe',
    });
    const group = tree!.open('g');
    expect(group.remove()).toBe(true);
    expect(group.remove()).toBe(true);
    expect(group.processes()).toEqual([]);
    expect(group.cpuNs()).toBeUndefined();
    expect(group.oomKills()).toBe(0);
    expect(group.peakMemoryBytes()).toBeUndefined();
    expect(group.freeze(true)).toBe(false);
  });
});
