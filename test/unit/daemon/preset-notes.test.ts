import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.ts';
import { presetNotes, type RuntimeFacts } from '../../../src/daemon/preset-notes.ts';

const CPU = 'golem.usage.cpu_sec';
const docker: RuntimeFacts = { name: 'docker', available: true, counters: [CPU], properties: {} };
const preset = { name: 'p', runtime: 'docker', pricing: { startPrice: '0', perCounter: { [CPU]: '1' } } };

const notesOn = (over: object, facts: readonly RuntimeFacts[] = [docker]): string[] => {
  const presets = JSON.stringify([{ ...preset, ...over }]);
  return presetNotes(loadConfig({ env: { ERGON_PROVIDER_PRESETS: presets } }), facts).map(({ note }) => note);
};

describe('what of the presets is not, or not wholly, on offer', () => {
  it('is nothing when all of it is', () => {
    expect(notesOn({})).toEqual([]);
    const granting = { ...docker, properties: { 'ergon.srv.network': true } };
    expect(notesOn({ network: true }, [granting])).toEqual([]);
  });

  it('is a preset whose runtime cannot run here, or that prices what it does not count', () => {
    expect(notesOn({}, [])).toEqual([expect.stringMatching(/^not offered: its runtime docker cannot run/)]);
    expect(notesOn({}, [{ ...docker, available: false }])).toHaveLength(1);
    const pricing = { startPrice: '0', perCounter: { 'golem.usage.gpu_sec': '1' } };
    expect(notesOn({ pricing })).toEqual([expect.stringContaining(`gpu_sec; it counts ${CPU}`)]);
  });

  it('is a network that cannot be granted', () => {
    expect(notesOn({ network: true })).toEqual([expect.stringMatching(/without a network.*docker\.network/)]);
  });
});
