import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { condense } from '../../../../scripts/yagna-contract.ts';
import { whyMissing, yagnaPage, yagnaPaths } from '../../../../scripts/yagna-page.ts';
import { contract } from '../../../support/yagna-contract.ts';
import { yagnaWorld, type YagnaWorld } from './support/yagna-world.ts';

/** The specifications stand beside the project where it is built; a clone alone has only what was taken out of them. */
const SPECIFICATIONS = fileURLToPath(new URL('../../../../../shared/specs', import.meta.url));

type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

describe("the paths of Yagna's specifications", () => {
  let world: YagnaWorld;
  beforeAll(async () => {
    world = await yagnaWorld();
  });
  afterAll(() => world.stop());

  it('stand in docs/yagna-compatibility.md as they are served', () => {
    const file = new URL('../../../../docs/yagna-compatibility.md', import.meta.url);
    expect(readFileSync(file, 'utf8'), 'run node scripts/write-yagna-docs.ts').toBe(yagnaPage());
  });

  if (existsSync(SPECIFICATIONS)) {
    it('are what test/fixtures/yagna/contract.json says of them', () => {
      expect(contract, 'run node scripts/write-yagna-contract.ts').toEqual(condense(SPECIFICATIONS));
    });
  }

  it.each(yagnaPaths())('%s answers in JSON, with 501 and why where it is not served', async (route) => {
    const [method, path = ''] = route.split(' ');
    const url = `${path.replace(/\{[^}]+\}/g, 'unknown')}?timeout=0`;
    const answer = await world.request(method as Method, url);
    const missing = whyMissing(route);
    expect(answer.statusCode === 501).toBe(missing !== undefined);
    expect(answer.statusCode).not.toBe(500);
    if (answer.statusCode === 204) return;
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    if (answer.statusCode >= 400) expect(answer.json()).toEqual({ message: missing ?? expect.any(String) });
  });

  it.each(yagnaPaths().filter((route) => !route.endsWith('/version/get')))(
    '%s refuses a bad key',
    async (route) => {
      const [method, path = ''] = route.split(' ');
      const answer = await world.request(method as Method, path, undefined, 'nobody');
      expect(answer.statusCode).toBe(401);
      expect(answer.json()).toEqual({ message: expect.any(String) as string });
    },
  );
});
