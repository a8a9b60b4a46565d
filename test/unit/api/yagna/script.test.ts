import { describe, expect, it } from 'vitest';
import { isOutside, ourCommand } from '../../../../src/api/rest/yagna/activity/our-command.ts';
import {
  beginning,
  positionId,
  positionOf,
} from '../../../../src/api/rest/yagna/activity/stream-position.ts';
import { newProgress } from '../../../../src/api/rest/yagna/activity/progress.ts';
import { parseScript, readCommand } from '../../../../src/api/rest/yagna/activity/script.ts';
import type { EventQuery, StoredEvent } from '../../../../src/interface/index.ts';

const ours = (command: Record<string, unknown>) => ourCommand(readCommand(command, 0), undefined);

describe("Yagna's commands in ours", () => {
  it('keep captures, archives, sets of files and progress', () => {
    const run = (stdout: object) => ours({ run: { entry_point: 'x', capture: { stdout, stderr: null } } });
    const captured = (stdout: object) => ({ run: { entry_point: 'x', capture: { stdout } } });
    expect(run({ atEnd: { part: { head: 3 }, format: 'str' } })).toEqual(
      captured({ atEnd: { head: 3, format: 'string' } }),
    );
    expect(run({ atEnd: { headTail: 3 } })).toEqual(captured({ atEnd: { headTail: 3 } }));
    expect(run({ stream: { limit: 0, format: 'bin' } })).toEqual(
      captured({ stream: { limit: 0, format: 'binary' } }),
    );
    expect(ours({ run: { entry_point: 'x', args: null, capture: null } })).toEqual({
      run: { entry_point: 'x' },
    });
    const transfer = {
      from: 'container:out',
      to: 'https://somewhere/file',
      format: 'tgz',
      depth: 2,
      fileset: [{ desc: 'images', includes: ['*.jpg'], excludes: ['db*.*'] }, '**/*.txt'],
      progress: { updateInterval: '1s 500ms', updateStep: null },
    };
    expect(ours({ transfer })).toEqual({
      transfer: {
        ...transfer,
        to: 'blob:',
        format: 'tar.gz',
        progress: { updateIntervalMs: 1500 },
      },
    });
    expect(ours({ deploy: { progress: {}, net: null } })).toEqual({ deploy: { progress: {} } });
    const volumes = { '/a': { storage: { size: '1g' } }, '/b': { ram: { size: '1g' } }, '/c': { host: {} } };
    expect(ours({ deploy: { volumes } })).toEqual({ deploy: { volumes: ['/a', '/b', '/c'] } });
    expect(ours({ deploy: { volumes: ['/a'] } })).toEqual({ deploy: { volumes: ['/a'] } });
    expect(ours({ deploy: { volumes: {} } })).toEqual({ deploy: {} });
    expect(() => ours({ deploy: { volumes: ['a'] } })).toThrow('absolute path, not "a"');
  });

  it('leave it to this node to bring what is at no place that the provider knows, or to refuse it', () => {
    const urls = ['gftp://0x1/a', 'https://somewhere/a', 'ftp://somewhere/a', 'file:///etc/passwd', '/a'];
    expect(urls.filter((url) => !isOutside(url))).toEqual([]);
    expect(['container:a', 'blob:sha256:0', 'hash:sha3:0:https://a/b'].filter(isOutside)).toEqual([]);
  });

  it('are refused with the reason, before any of them runs', () => {
    const refused = (command: object) => () => parseScript(JSON.stringify([{ start: {} }, command]));
    expect(refused({ transfer: { from: 'container:/a', to: 'container:/b', format: 'tar.xz' } })).toThrow(
      'tar.xz',
    );
    expect(refused({ transfer: { from: 'container:/a', to: 'container:/b', depth: 0 } })).toThrow('depth');
    expect(refused({ deploy: { progress: { updateInterval: 'soon' } } })).toThrow('"soon" is no interval');
    expect(refused({ run: { entry_point: 'x', capture: { stdout: { atEnd: { format: 'xml' } } } } })).toThrow(
      'capture',
    );
  });
});

describe('progress of a command', () => {
  const event = (seq: number, index: number, done: number, batchId = 'b'): StoredEvent => ({
    seq,
    at: seq,
    type: 'command.progress',
    subject: 'a',
    data: { batchId, index, done, total: 100, message: 'fetching' },
  });
  const log = [event(1, 0, 5), event(2, 0, 20), event(3, 0, 25, 'other'), event(4, 1, 50), event(5, 0, 100)];
  const events = { query: async ({ after = 0 }: EventQuery) => log.filter(({ seq }) => seq > after) };
  const records = (progress: object | null) => ({
    activityId: 'a',
    batch: undefined,
    note: {
      activityId: 'a',
      batchId: 'b',
      commands: [{ transfer: { from: 'container:/a', to: 'container:/b', progress } }],
      state: 'Handed' as const,
      deliveries: [],
      starts: { stdout: 0, stderr: 0 },
      createdAt: 0,
    },
  });
  const told = async (progress: object | null, after = 0) => {
    const position = { ...beginning(records(progress)), started: true, progress: after };
    return (await newProgress({ events } as never, records(progress), position)).map(({ kind }) => kind);
  };
  const at = (step: number, done: number) => ({
    progress: { step: [step, 1], message: 'fetching', progress: [done, 100], unit: 'Bytes' },
  });

  it('is told to those who asked for it, of this very command, as often as they asked', async () => {
    expect(await told({})).toEqual([at(0, 5), at(0, 20), at(1, 100)]);
    expect(await told({ updateStep: 10 })).toEqual([at(0, 20), at(1, 100)]);
    expect(await told({}, 2)).toEqual([at(1, 100)]);
    expect(await told(null)).toEqual([]);
  });

  it('goes on from the event that a reader names', () => {
    const position = { index: 2, started: true, stdout: 7, stderr: 8, progress: 9, doneBytes: 0 };
    expect(positionOf(positionId(position, false))).toEqual(position);
    expect(positionOf(positionId(position, true))).toEqual({ ...position, index: 3, started: false });
    expect(positionOf('nonsense')).toBeUndefined();
  });
});
