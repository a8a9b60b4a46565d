import { readdir, readFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import type { Machine } from '../provider/index.ts';

const POWER_SUPPLIES = '/sys/class/power_supply';

/** This machine, as a schedule asks of it. */
export function machine(powerSupplies = POWER_SUPPLIES): Machine {
  return {
    loadAverage: () => loadavg()[0] ?? 0,
    async onBattery() {
      const names = await readdir(powerSupplies).catch(() => []);
      const supplies = await Promise.all(names.map((name) => supplyIn(join(powerSupplies, name))));
      const mains = supplies.filter(({ type }) => type === 'Mains' || type === 'USB');
      if (mains.length > 0) return mains.every(({ online }) => online === '0');
      return supplies.some(({ type, status }) => type === 'Battery' && status === 'Discharging');
    },
  };
}

async function supplyIn(directory: string): Promise<Record<'type' | 'online' | 'status', string>> {
  const read = async (name: string): Promise<string> =>
    (await readFile(join(directory, name), 'utf8').catch(() => '')).trim();
  return { type: await read('type'), online: await read('online'), status: await read('status') };
}
