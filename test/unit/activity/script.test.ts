import { describe, expect, it } from 'vitest';
import { blobsOf, rehearse, sameBatch } from '../../../src/activity/script.ts';
import { ExecRequest } from '../../../src/activity/messages.ts';
import { batches } from '../../../src/activity/records.ts';
import type { ExeScript } from '../../../src/interface/index.ts';
import { problems } from '../../../src/util/check.ts';

const RUN = { run: { entry_point: 'main' } };
const HASH = `sha256:${'a'.repeat(64)}`;
const OTHER = `sha256:${'b'.repeat(64)}`;

describe('rehearsing a script', () => {
  const good: [string, ExeScript][] = [
    ['New', [{ deploy: {} }, { start: {} }, RUN, RUN, { terminate: {} }]],
    ['New', [{ sign: {} }]],
    ['Deploying', [{ transfer: { from: `blob:${HASH}`, to: 'container:/in' } }, { start: {} }]],
    ['Ready', [RUN, { transfer: { from: 'container:/out', to: 'blob:' } }]],
    ['New', [{ terminate: {} }]],
  ];
  it.each(good)('lets pass from %s', (state, script) => {
    expect(() => rehearse(state as 'New', script)).not.toThrow();
  });

  const bad: [string, ExeScript, number][] = [
    ['New', [RUN], 0],
    ['New', [{ deploy: {} }, RUN], 1],
    ['New', [{ deploy: {} }, { deploy: {} }], 1],
    ['Ready', [{ deploy: {} }], 0],
    ['Ready', [RUN, { terminate: {} }, RUN], 2],
    ['Terminated', [RUN], 0],
  ];
  it.each(bad)('refuses from %s what cannot work, and names the command', (state, script, index) => {
    expect(() => rehearse(state as 'New', script)).toThrow(
      expect.objectContaining({
        code: 'ERR_ACTIVITY_ILLEGAL_COMMAND',
        detail: expect.objectContaining({ index }),
      }),
    );
  });
});

describe('what a script needs', () => {
  it('names stdin and transferred blobs once, and no result', () => {
    const script: ExeScript = [
      { transfer: { from: `blob:${HASH}`, to: 'container:/a' } },
      { run: { entry_point: 'x', stdin: OTHER } },
      { run: { entry_point: 'x', stdin: OTHER } },
      { transfer: { from: 'container:/out', to: 'blob:' } },
    ];
    expect(blobsOf(script)).toEqual([HASH, OTHER]);
  });
});

describe('a repeated batch id', () => {
  const batch = {
    batchId: 'b',
    activityId: 'a',
    script: [{ run: { entry_point: 'x', args: ['1'] } }],
    results: [],
    finished: false,
    createdAt: 1,
  };
  it('is the same batch for the same script, whatever the order of its members', () => {
    expect(sameBatch(batch, [{ run: { args: ['1'], entry_point: 'x' } }])).toBe(batch);
  });
  it('is a conflict for another script', () => {
    expect(() => sameBatch(batch, [RUN])).toThrow(
      expect.objectContaining({ code: 'ERR_ACTIVITY_ID_CONFLICT' }),
    );
  });
});

describe('a command with no time at all', () => {
  const script = [{ run: { entry_point: 'main', timeout_ms: 0 } }];

  it('is refused where it comes from a requestor', () => {
    const request = { activityId: 'a', batchId: 'b', script };
    expect(problems(ExecRequest, request)).toMatchObject([
      { path: '/script/0/run/timeout_ms', expected: 'must be >= 1' },
    ]);
  });

  it('is read where it is on record', () => {
    const batch = { activityId: 'a', batchId: 'b', script, results: [], finished: true, createdAt: 1 };
    expect(batches.check(batch)).toEqual(batch);
  });
});
