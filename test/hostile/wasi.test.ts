import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { programs } from './programs.ts';
import { expectArchivesRefused, expectLinksRefused } from './transfers.ts';
import { HostileWorld } from './world.ts';

const module = readFileSync(new URL('../fixtures/hostile/hostile.wasm', import.meta.url));

describe('a WASI program that means harm', () => {
  let world: HostileWorld;
  beforeAll(async () => {
    world = await HostileWorld.start('wasi', module);
  });
  afterAll(() => world.stop());

  for (const program of programs.filter(({ outcomes }) => outcomes.wasi !== undefined)) {
    it(program.name, async () => {
      await world.expectContained(program);
    });
  }

  it('sends archives that are bombs, slips, links and lies', () => expectArchivesRefused(world));
  it('plants links for transfers to follow', () => expectLinksRefused(world));
});
