import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/index.ts';
import { offerDrafts } from '../../../src/daemon/offer-drafts.ts';
import type { RuntimeReport } from '../../../src/exe-unit/index.ts';
import { PROPERTY, type Properties } from '../../../src/interface/index.ts';
import { silentLogger } from '../../../src/util/silent-logger.ts';

function report(name: string, available: boolean, properties: Properties = {}): RuntimeReport {
  return {
    descriptor: {
      name,
      version: '1.0.0',
      description: name,
      main: 'index',
      capabilities: [],
      counters: {},
      properties: {},
    },
    supports: {
      signal: true,
      suspend: true,
      recover: true,
      cpuTimeLimit: true,
      memoryLimit: true,
      diskLimit: true,
      cpuShare: true,
      networks: true,
    },
    fingerprint: { available, notes: [], properties },
  };
}

const draftsOf = (reports: readonly RuntimeReport[], env: Record<string, string> = {}) =>
  offerDrafts({
    config: loadConfig({ env }),
    address: '0x0000000000000000000000000000000000000001',
    hardware: { cpuThreads: 2, memoryBytes: 2 ** 30, storageBytes: 2 ** 30 },
    reports,
    drivers: [],
    logger: silentLogger,
  });

describe('what a node that was told nothing puts on the market', () => {
  it('is WASI, and Docker where its engine can hold the limits', () => {
    expect(Object.keys(draftsOf([report('wasi', true), report('docker', false)]))).toEqual([
      'wasi',
      'wasi as wasmtime',
    ]);
    const both = draftsOf([report('wasi', true), report('docker', true)]);
    expect(Object.values(both).map(({ properties }) => properties[PROPERTY.runtimeName])).toEqual([
      'wasi',
      'wasmtime',
      'docker',
      'vm',
    ]);
  });
});

describe('a network that the runtime could give', () => {
  const reports = [report('docker', true, { [PROPERTY.network]: true })];
  const preset = { name: 'docker', runtime: 'docker', pricing: { startPrice: '0', perCounter: {} } };

  it('is in the offers of presets that sell it', () => {
    const presets = [preset, { ...preset, name: 'online', network: true }];
    const drafts = draftsOf(reports, { ERGON_PROVIDER_PRESETS: JSON.stringify(presets) });
    expect(drafts['docker']?.properties).not.toHaveProperty([PROPERTY.network]);
    expect(drafts['online']?.properties).toHaveProperty([PROPERTY.network], true);
    const capabilities = (name: string) => drafts[name]?.properties[PROPERTY.runtimeCapabilities];
    expect(capabilities('docker')).not.toContain('inet');
    expect(capabilities('online')).toEqual(expect.arrayContaining(['inet', 'manifest-support']));
  });
});

describe('what the runtime can do on this machine only', () => {
  it('is among the capabilities of its offer, beside what it can everywhere', () => {
    const able = report('docker', true);
    const capabilities = ['env'];
    const reports = [
      {
        ...able,
        descriptor: { ...able.descriptor, capabilities },
        fingerprint: { ...able.fingerprint, capabilities: ['vpn'] },
      },
      report('wasi', true),
    ];
    const drafts = draftsOf(reports);
    expect(drafts['docker']?.properties[PROPERTY.runtimeCapabilities]).toEqual(['env', 'vpn']);
    expect(drafts['wasi']?.properties[PROPERTY.runtimeCapabilities]).toEqual([]);
  });
});

describe('the prices of a preset', () => {
  const preset = (name: string, pricing: object): object => ({
    name,
    runtime: 'docker',
    pricing: { startPrice: '0', perCounter: {}, ...pricing },
  });
  const measuring = report('docker', true);
  Object.assign(measuring.descriptor.counters, { 'custom.things': { unit: 'thing', description: 'things' } });

  it('are offered for what the runtime measures, its own counters included, and for nothing else', () => {
    const presets = [
      preset('common', { perCounter: { 'ergon.usage.memory.gib-sec': '1' } }),
      preset('own', { perCounter: { 'custom.things': '1' } }),
      preset('unknown', { perCounter: { 'golem.usage.cpu_sec': '1', 'custom.nothing': '1' } }),
    ];
    const drafts = draftsOf([measuring], { ERGON_PROVIDER_PRESETS: JSON.stringify(presets) });
    expect(Object.keys(drafts)).toEqual(['common', 'common as vm', 'own', 'own as vm']);
  });

  it('are for the deployment too where the preset says so', () => {
    const presets = [preset('free', {}), preset('billed', { deploymentBilled: true })];
    const drafts = draftsOf([measuring], { ERGON_PROVIDER_PRESETS: JSON.stringify(presets) });
    expect(drafts['free']?.properties).not.toHaveProperty([PROPERTY.deploymentBilled]);
    expect(drafts['billed']?.properties).toHaveProperty([PROPERTY.deploymentBilled], true);
  });
});
