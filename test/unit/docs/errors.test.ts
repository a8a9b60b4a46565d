import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CATALOGUES, errorPage } from '../../../scripts/error-page.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

function codesInSources(): Set<string> {
  const codes = new Set<string>();
  for (const folder of ['src', 'runtimes'])
    for (const file of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }))
      if (file.endsWith('.ts'))
        for (const [code] of readFileSync(join(root, folder, file), 'utf8').matchAll(
          /\bERR_[A-Z0-9]+(_[A-Z0-9]+)+\b/g,
        ))
          codes.add(code);
  return codes;
}

describe('error codes', () => {
  const catalogued = Object.values(CATALOGUES).flatMap((catalogue) => Object.keys(catalogue));

  it('stand in one catalogue each', () => {
    expect(new Set(catalogued).size).toBe(catalogued.length);
  });

  it('of the sources and of the catalogues are the same', () => {
    // Node's own codes, which the sources match on.
    const foreign =
      /^ERR_(ACCESS|HTTP|STREAM|SOCKET|SERVER|INVALID|USE|PARSE|SSL|CHILD|IPC|LEVEL|MODULE|UNKNOWN)_/;
    const used = [...codesInSources()].filter((code) => !foreign.test(code));
    expect(used.sort()).toEqual([...catalogued].sort());
  });

  it('are documented as the code says (node scripts/write-error-docs.ts)', () => {
    expect(readFileSync(join(root, 'docs/errors.md'), 'utf8')).toBe(errorPage());
  });
});
