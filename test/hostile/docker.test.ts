import { afterAll, beforeAll, it } from 'vitest';
import { describeDocker } from '../support/docker-engine.ts';
import { hostileImage } from './image.ts';
import { programs } from './programs.ts';
import { expectArchivesRefused, expectLinksRefused, expectRaceLost } from './transfers.ts';
import { HostileWorld } from './world.ts';

describeDocker('a program in a container that means harm', () => {
  let world: HostileWorld;
  beforeAll(async () => {
    world = await HostileWorld.start('docker', hostileImage());
  });
  afterAll(() => world.stop());

  for (const program of programs.filter(({ outcomes }) => outcomes.docker !== undefined)) {
    it(program.name, async () => {
      await world.expectContained(program);
    });
  }

  it('sends archives that are bombs, slips, links and lies', () => expectArchivesRefused(world));
  it('plants links for transfers to follow', () => expectLinksRefused(world));
  it('swaps what transfers read and write for links', () => expectRaceLost(world));
});
