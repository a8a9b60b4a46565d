import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { configFields, configurationPage, defaultConfigFile, loadConfig } from '../../../src/config/index.ts';

const read = (path: string): string => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');

it('docs/configuration.md says what the schema says (node scripts/write-config-docs.ts)', () => {
  expect(read('docs/configuration.md')).toBe(configurationPage());
});

it('config/ergon.default.json holds the defaults, and is a file that can be loaded', () => {
  expect(read('config/ergon.default.json')).toBe(defaultConfigFile());
  const file = new URL('../../../config/ergon.default.json', import.meta.url).pathname;
  expect(loadConfig({ file, env: {} })).toEqual(loadConfig({ env: {} }));
});

it('every setting is described, and has an environment name and a flag of its own', () => {
  const fields = configFields();
  expect(fields.filter((field) => field.description === '')).toEqual([]);
  expect(new Set(fields.map((field) => field.env)).size).toBe(fields.length);
  expect(new Set(fields.map((field) => field.flag)).size).toBe(fields.length);
});
