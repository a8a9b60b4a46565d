import { describe, expect, it } from 'vitest';
import { StoreError } from '../../../src/store/index.ts';
import { logger } from '../../../src/telemetry/index.ts';

function collect(format: 'json' | 'text', level: 'debug' | 'warn' = 'debug') {
  const lines: string[] = [];
  return { lines, log: logger({ level, format }, { destination: { write: (line) => lines.push(line) } }) };
}

describe('logger', () => {
  it('writes fields, bindings and level as one JSON object a line', () => {
    const { lines, log } = collect('json');
    log.child({ component: 'market' }).info({ offers: 3 }, 'offers announced');
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      component: 'market',
      offers: 3,
      msg: 'offers announced',
    });
    expect(lines[0]).toMatch(/\n$/);
  });

  it('leaves out what is below its level', () => {
    const { lines, log } = collect('json', 'warn');
    log.info({}, 'no');
    log.error({}, 'yes');
    expect(lines).toHaveLength(1);
  });

  it('tells code, detail and cause of an error', () => {
    const { lines, log } = collect('json');
    const err = new StoreError('ERR_STORE_LOCKED', 'locked', { pid: 7 }, { cause: new Error('deep') });
    log.error({ err }, 'no start');
    expect(JSON.parse(lines[0]!).err).toMatchObject({ code: 'ERR_STORE_LOCKED', detail: { pid: 7 } });
    expect(lines[0]).toContain('deep');
  });

  it('never writes secrets', () => {
    for (const format of ['json', 'text'] as const) {
      const { lines, log } = collect(format);
      log.info(
        { passphrase: 'hunter2', init: { privateKey: 'hunter2' }, headers: { authorization: 'hunter2' } },
        'x',
      );
      expect(lines.join('')).not.toContain('hunter2');
    }
  });

  it('writes text that a stranger cannot forge lines of', () => {
    const { lines, log } = collect('text');
    log
      .child({ component: 'net' })
      .warn({ name: 'evil\nERROR fake \u001b[2J', n: 1, big: { a: 1 } }, 'peer connected');
    expect(lines[0]).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARN {2}\[net\] peer connected name=evil ERROR fake {2}\[2J n=1 big=\{"a":1\}\n$/,
    );
  });

  it('writes an error as text with its code and stack', () => {
    const { lines, log } = collect('text');
    log.error({ err: new StoreError('ERR_STORE_LOCKED', 'locked\nby 7') }, 'no start');
    expect(lines[0]).toMatch(/no start err=ERR_STORE_LOCKED: locked by 7\n {4}at /);
  });
});
