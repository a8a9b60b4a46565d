import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROPERTY } from '../../../../src/interface/property-names.ts';
import type { Properties } from '../../../../src/interface/values.ts';
import { MarketError } from '../../../../src/market/errors.ts';
import { deriveTerms } from '../../../../src/market/agreements/terms.ts';
import { TOTAL, draft, offerSource } from '../../../support/market-node.ts';

const offer = draft();
const terms = (demand: Properties, over: Properties = {}) =>
  deriveTerms({ properties: { ...offer.properties, ...over } }, { properties: demand });

describe('deriveTerms', () => {
  it("takes the offer's minimum for what the demand does not say", () => {
    expect(terms({})).toMatchObject({
      runtime: 'wasi',
      resources: { cpuThreads: 1, memoryBytes: 64 * 2 ** 20, storageBytes: 2 ** 20 },
      debitNoteIntervalMs: 120_000,
    });
  });

  it("takes the demand's wishes within the offer's bounds, also as strings", () => {
    const demand = {
      [PROPERTY.requestedMemoryBytes]: '1048576',
      [PROPERTY.debitNoteIntervalSec]: 10.5,
      [PROPERTY.paymentTimeoutSec]: '60',
    };
    expect(terms(demand)).toMatchObject({
      resources: { memoryBytes: 2 ** 20 },
      debitNoteIntervalMs: 10_500,
      paymentTimeoutMs: 60_000,
    });
  });

  it('bills the deployment where the offer says so, and nowhere else', () => {
    const said = { [PROPERTY.deploymentBilled]: true };
    expect(terms({}, said).pricing).toMatchObject({ deploymentBilled: true });
    // A demand has no say in it.
    for (const { pricing } of [terms({}), terms(said), terms({}, { [PROPERTY.deploymentBilled]: false })]) {
      expect(pricing).not.toHaveProperty('deploymentBilled');
    }
    expect(() => terms({}, { [PROPERTY.deploymentBilled]: 'yes' })).toThrow(MarketError);
  });

  it('grants a network where it is asked for and offered, and nowhere else', () => {
    const offered = { [PROPERTY.network]: true };
    expect(terms({ [PROPERTY.network]: true }, offered)).toMatchObject({ network: true });
    for (const none of [terms({}, offered), terms({ [PROPERTY.network]: false }, offered), terms({})]) {
      expect(none).not.toHaveProperty('network');
    }
  });

  it.each<[string, Properties, Properties]>([
    [PROPERTY.network, { [PROPERTY.network]: true }, {}],
    [PROPERTY.network, { [PROPERTY.network]: 'yes' }, { [PROPERTY.network]: true }],
    [PROPERTY.requestedMemoryBytes, { [PROPERTY.requestedMemoryBytes]: TOTAL.memoryBytes + 1 }, {}],
    [PROPERTY.requestedCpuThreads, { [PROPERTY.requestedCpuThreads]: 0 }, {}],
    [PROPERTY.requestedCpuThreads, { [PROPERTY.requestedCpuThreads]: 1.5 }, {}],
    [PROPERTY.requestedStorageBytes, { [PROPERTY.requestedStorageBytes]: -1 }, {}],
    [PROPERTY.requestedStorageBytes, { [PROPERTY.requestedStorageBytes]: 'much' }, {}],
    [PROPERTY.debitNoteIntervalSec, { [PROPERTY.debitNoteIntervalSec]: 9 }, {}],
    [PROPERTY.debitNoteIntervalSec, { [PROPERTY.debitNoteIntervalSec]: 601 }, {}],
    [PROPERTY.chosenPlatform, { [PROPERTY.chosenPlatform]: 'gold' }, {}],
    [PROPERTY.chosenPlatform, {}, { 'golem.com.payment.platform.other.address': '0x0' }],
    [PROPERTY.pricingModel, {}, { [PROPERTY.pricingModel]: 'free' }],
    [PROPERTY.linearCoefficients, {}, { [PROPERTY.linearCoefficients]: ['1', '2'] }],
    [PROPERTY.linearCoefficients, {}, { [PROPERTY.linearCoefficients]: ['1', '2', '0.0000000000000000001'] }],
    [PROPERTY.linearCoefficients, {}, { [PROPERTY.linearCoefficients]: [1, 2, 3] }],
    [PROPERTY.usageVector, {}, { [PROPERTY.usageVector]: 'golem.usage.cpu_sec' }],
    [PROPERTY.runtimeName, {}, { [PROPERTY.runtimeName]: 7 }],
    [PROPERTY.idleTimeoutSec, {}, { [PROPERTY.idleTimeoutSec]: true }],
  ])('names %s when it cannot', (property, demand, over) => {
    expect(() => terms(demand, over)).toThrow(
      expect.objectContaining({ code: 'ERR_MARKET_TERMS', detail: expect.objectContaining({ property }) }),
    );
  });

  it('turns token prices into smallest units exactly', () => {
    const digits = fc.stringMatching(/^(0|[1-9][0-9]{0,6})(\.[0-9]{1,18})?$/);
    fc.assert(
      fc.property(digits, digits, fc.integer({ min: 18, max: 24 }), (price, start, decimals) => {
        const platforms = [{ name: 'ledger', address: '0x0', decimals }];
        const properties = draft(start, {
          platforms,
          preset: { name: 'p', prices: { c: price }, startPrice: start },
        }).properties;
        const { pricing } = deriveTerms({ properties }, { properties: {} });
        const exact = (text: string) => {
          const [whole = '', fraction = ''] = text.split('.');
          return BigInt(whole + fraction.padEnd(decimals, '0')).toString();
        };
        expect(pricing).toMatchObject({ coefficients: [exact(price)], startPrice: exact(start) });
      }),
    );
  });

  it('throws nothing but a MarketError, whatever the properties', () => {
    const keys = [...Object.keys(offer.properties), ...Object.values(PROPERTY)];
    const value = fc.oneof(
      fc.string(),
      fc.double({ noNaN: true }),
      fc.boolean(),
      fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 4 }),
    );
    const properties = fc.dictionary(fc.constantFrom(...keys), value);
    fc.assert(
      fc.property(properties, properties, (demand, over) => {
        try {
          const { resources } = terms(demand, over);
          expect(resources.cpuThreads).toBeLessThanOrEqual(
            Number(over[PROPERTY.cpuThreads] ?? TOTAL.cpuThreads),
          );
        } catch (error) {
          if (!(error instanceof MarketError)) throw error;
        }
      }),
    );
  });
});

describe('buildOffer', () => {
  it("carries what Yagna's clients look for", () => {
    expect(draft('0.5').properties).toMatchObject({
      'golem.com.pricing.model': 'linear',
      'golem.com.usage.vector': ['golem.usage.duration_sec', 'golem.usage.cpu_sec'],
      'golem.com.pricing.model.linear.coeffs@d': ['0.0001', '0.0002', '0.5'],
      'golem.com.scheme': 'payu',
      'golem.com.payment.protocol.version': 3,
      'golem.com.payment.platform.ledger.address': '0x00000000000000000000000000000000000000aa',
      'golem.node.id.name': 'test provider',
      'golem.node.debug.subnet': 'public',
      'golem.inf.cpu.cores': 2,
      'golem.inf.cpu.threads': 4,
      'golem.inf.mem.gib': 4,
      'golem.inf.storage.gib': 16,
      'golem.runtime.name': 'wasi',
      'golem.runtime.version@v': '1.0.0',
      'golem.runtime.capabilities': ['start', 'net'],
      'golem.activity.caps.transfer.protocol': ['http', 'https'],
      'golem.srv.caps.multi-activity': true,
      'ergon.inf.mem.bytes': 4 * 2 ** 30,
      'ergon.runtime.sandbox': 'wasmer',
    });
  });

  it('rounds gibibytes down', () => {
    const hardware = { ...offerSource().hardware, offered: { ...TOTAL, memoryBytes: 2 ** 30 - 1 } };
    expect(draft('0', { hardware }).properties['golem.inf.mem.gib']).toBe(0.999);
  });

  it('refuses prices that are none and constraints that are malformed', () => {
    expect(() => draft('1e-3')).toThrow(expect.objectContaining({ code: 'ERR_MARKET_TERMS' }));
    expect(() => draft('0.0000000000000000001')).toThrow(
      expect.objectContaining({ code: 'ERR_MARKET_TERMS' }),
    );
    const preset = { ...offerSource().preset, constraints: '(a' };
    expect(() => draft('0', { preset })).toThrow(
      expect.objectContaining({ code: 'ERR_MARKET_CONSTRAINT_SYNTAX' }),
    );
  });
});
