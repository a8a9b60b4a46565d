import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { machine } from '../../../src/daemon/machine.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ergon-power-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

type Supply = Partial<Record<'type' | 'online' | 'status', string>>;

it.each<[boolean, Record<string, Supply>]>([
  [false, {}],
  [false, { AC: { type: 'Mains', online: '1' }, BAT0: { type: 'Battery', status: 'Charging' } }],
  [true, { AC: { type: 'Mains', online: '0' }, BAT0: { type: 'Battery', status: 'Discharging' } }],
  [false, { A: { type: 'Mains', online: '0' }, B: { type: 'USB', online: '1' } }],
  [true, { BAT0: { type: 'Battery', status: 'Discharging' } }],
  [false, { BAT0: { type: 'Battery', status: 'Full' } }],
])('on battery: %s with %j', async (onBattery, supplies) => {
  for (const [name, files] of Object.entries(supplies)) {
    mkdirSync(join(directory, name));
    for (const [file, text] of Object.entries(files)) writeFileSync(join(directory, name, file), `${text}\n`);
  }
  expect(await machine(directory).onBattery()).toBe(onBattery);
});

it('knows no battery where the kernel names no supplies, and always a load', async () => {
  expect(await machine(join(directory, 'none')).onBattery()).toBe(false);
  expect(machine().loadAverage()).toBeGreaterThanOrEqual(0);
});
