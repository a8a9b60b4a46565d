import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runtimeRegistry } from '../../../src/exe-unit/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

let root: string;
const components = { clock: new FakeClock(), logger: silentLogger };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ergon-registry-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const descriptor = {
  name: 'own',
  version: '1.2.3',
  description: 'own',
  main: 'code',
  capabilities: [],
  counters: {},
  properties: {},
};

function add(directory: string, text: string, code?: string): void {
  mkdirSync(join(root, directory));
  writeFileSync(join(root, directory, 'descriptor.json'), text);
  if (code !== undefined) writeFileSync(join(root, directory, 'code.ts'), code);
}

describe('the runtime registry', () => {
  it('finds the runtimes that come with the code', async () => {
    const registry = await runtimeRegistry({}, components);
    expect(registry.descriptors.map(({ name }) => name)).toContain('mock');
    const runtime = await registry.load('mock');
    expect(await registry.load('mock')).toBe(runtime);
    expect(runtime.descriptor.name).toBe('mock');
    expect(await registry.reports()).toContainEqual(
      expect.objectContaining({ descriptor: runtime.descriptor, supports: runtime.supports }),
    );
  });

  it('hands a runtime its own options and nobody else’s', async () => {
    add(
      'own',
      JSON.stringify(descriptor),
      'export const createRuntime = (init, components) => ({ init, descriptor: components.descriptor });',
    );
    const registry = await runtimeRegistry(
      { runtimeRoots: [root], options: { own: { a: 1 }, other: { b: 2 } } },
      components,
    );
    expect(await registry.load('own')).toEqual({ init: { a: 1 }, descriptor });
  });

  it.each([
    ['no JSON', '{'],
    ['a wrong name', JSON.stringify({ ...descriptor, name: 'No Good' })],
    ['a main outside', JSON.stringify({ ...descriptor, main: '../../evil' })],
    ['an unknown member', JSON.stringify({ ...descriptor, extra: 1 })],
  ])('refuses a descriptor with %s', async (_, text) => {
    add('bad', text);
    await expect(runtimeRegistry({ runtimeRoots: [root] }, components)).rejects.toMatchObject({
      code: 'ERR_EXE_UNIT_DESCRIPTOR',
    });
  });

  it('refuses a module that is missing or exports nothing of use, and a name that it does not know', async () => {
    add('empty', JSON.stringify({ ...descriptor, name: 'empty' }), 'export const nothing = 1;');
    add('missing', JSON.stringify({ ...descriptor, name: 'missing' }));
    const registry = await runtimeRegistry({ runtimeRoots: [root, join(root, 'nowhere')] }, components);
    await expect(registry.load('empty')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_DESCRIPTOR' });
    await expect(registry.load('missing')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_DESCRIPTOR' });
    await expect(registry.load('nonesuch')).rejects.toMatchObject({ code: 'ERR_EXE_UNIT_RUNTIME_UNKNOWN' });
    expect(await registry.reports()).toEqual([]);
  });

  it('asks anew only what stands on a service that comes and goes', async () => {
    const code = (needsService: boolean): string => `
      let asked = 0;
      export const createRuntime = (_, { descriptor }) => ({
        descriptor,
        supports: {},
        ${needsService ? 'needsService: true,' : ''}
        fingerprint: async () => ({ available: ++asked === 1, notes: [], properties: {} }),
      });`;
    add('engine', JSON.stringify({ ...descriptor, name: 'engine' }), code(true));
    add('plain', JSON.stringify({ ...descriptor, name: 'plain' }), code(false));
    const registry = await runtimeRegistry({ runtimeRoots: [root] }, components);
    const available = (reports: Awaited<ReturnType<typeof registry.reports>>): unknown =>
      Object.fromEntries(
        reports.map(({ descriptor: { name }, fingerprint }) => [name, fingerprint.available]),
      );
    const before = await registry.reports();
    expect(available(before)).toEqual({ engine: true, plain: true });
    expect(available(await registry.renew(before))).toEqual({ engine: false, plain: true });
  });
});
