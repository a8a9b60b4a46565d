import { describe, expect, it } from 'vitest';
import { loadConfig, takeOver } from '../../../src/config/index.ts';

const configOf = (argvFlags: Record<string, unknown>) =>
  loadConfig({ argvFlags: { dataDir: '/none/ergon', ...argvFlags }, env: {} });

describe('taking over a configuration in a running node', () => {
  it('takes what can change, and names what needs a restart', () => {
    const running = configOf({ 'api.port': 1000, 'provider.maxAgreements': 3 });
    const wanted = configOf({
      'api.port': 2000,
      'provider.maxAgreements': 5,
      'provider.deny': [`0x${'1'.repeat(40)}`],
      'provider.hardware.memoryBytes': 1 << 30,
      'provider.schedule.maxLoadAverage': 1.5,
      'provider.sampleIntervalMs': 20,
      'provider.presets': [{ name: 'a', runtime: 'wasi', pricing: { startPrice: '1', perCounter: {} } }],
    });
    const { config, applied, restartNeeded } = takeOver(running, wanted);
    expect([...applied].sort()).toEqual([
      'provider.deny',
      'provider.hardware.memoryBytes',
      'provider.maxAgreements',
      'provider.presets',
      'provider.schedule.maxLoadAverage',
    ]);
    expect([...restartNeeded].sort()).toEqual(['api.port', 'provider.sampleIntervalMs']);
    expect(config.api.port).toBe(1000);
    expect(config.provider).toMatchObject({ maxAgreements: 5, hardware: { memoryBytes: 1 << 30 } });
    expect(Object.isFrozen(config.provider)).toBe(true);
  });

  it('takes back what was there and is there no more', () => {
    const { config, applied } = takeOver(configOf({ 'provider.hardware.cpuThreads': 2 }), configOf({}));
    expect(applied).toEqual(['provider.hardware.cpuThreads']);
    expect(config.provider.hardware).toEqual({});
  });

  it('finds nothing in what is the same', () => {
    expect(takeOver(configOf({}), configOf({}))).toMatchObject({ applied: [], restartNeeded: [] });
  });
});
