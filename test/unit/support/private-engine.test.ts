import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Machine } from '../../support/machine.ts';
import { PrivateEngine } from '../../support/private-engine.ts';

it('does not start on a machine without power', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'ergon-no-power-'));
  const engine = new PrivateEngine({}, new Machine(directory));
  try {
    await expect(engine.start()).rejects.toThrow('no power');
    expect(engine.isUp).toBe(false);
  } finally {
    rmSync(engine.root, { recursive: true });
    rmSync(directory, { recursive: true });
  }
});
