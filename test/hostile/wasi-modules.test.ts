import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { modules } from './modules/modules.ts';
import { HostileWorld } from './world.ts';

const module = readFileSync(new URL('../fixtures/hostile/hostile.wasm', import.meta.url));

describe('a WebAssembly module that means harm', () => {
  let world: HostileWorld;
  beforeAll(async () => {
    world = await HostileWorld.start('wasi', module);
  });
  afterAll(() => world.stop());

  for (const program of modules) {
    it(program.name, async () => {
      await world.expectContained(program);
    });
  }
});
