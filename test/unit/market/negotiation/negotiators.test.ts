import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROPERTY } from '../../../../src/interface/property-names.ts';
import type { Properties } from '../../../../src/interface/values.ts';
import { providerChain, requestorChain } from '../../../../src/market/negotiation/chains.ts';
import { expirationLimits } from '../../../../src/market/negotiation/expiration.ts';
import { manual } from '../../../../src/market/negotiation/manual.ts';
import { NEGOTIABLES } from '../../../../src/market/negotiation/negotiable.ts';
import { demandSeconds, offerSeconds } from '../../../../src/market/negotiation/negotiable-seconds.ts';
import {
  ACCEPT,
  negotiate,
  reject,
  type NegotiationContext,
  type Negotiator,
  type Position,
} from '../../../../src/market/negotiation/negotiator.ts';
import { partyLists } from '../../../../src/market/negotiation/party-lists.ts';
import { estimatePrice, maxPrice, minPrice } from '../../../../src/market/negotiation/price.ts';
import { resourcesFit } from '../../../../src/market/negotiation/resources-fit.ts';
import { MARKET_DEFAULTS } from '../../../../src/market/index.ts';
import { TOTAL, draft } from '../../../support/market-node.ts';

const NOW = 1_800_000_000_000;
const context: NegotiationContext = { now: NOW, activeAgreements: 0, free: TOTAL };
const interval = NEGOTIABLES.debitNoteInterval;

function position(demand: Properties = {}, offer: Properties = {}): Position {
  return {
    offer: {
      provider: '0xAA',
      properties: { ...draft().properties, ...offer },
      constraints: '',
      expiresAt: NOW + 1,
    },
    demand: { requestor: '0xBb', properties: demand, constraints: '', expiresAt: NOW + 60_000 },
  };
}

describe('negotiators', () => {
  it('deny and allow the other party, whatever the case of the address', () => {
    const of = (init: { deny?: string[]; allow?: string[] }) =>
      partyLists({ deny: [], allow: [], ...init }, 'requestor')(position(), context);
    expect(of({})).toEqual(ACCEPT);
    expect(of({ deny: ['0xbB'] })).toMatchObject({ reason: { code: 'Denied' } });
    expect(of({ allow: ['0xcc'] })).toMatchObject({ reason: { code: 'NotAllowed' } });
    expect(of({ allow: ['0xBB'] })).toEqual(ACCEPT);
    expect(partyLists({ deny: ['0xaa'], allow: [] }, 'provider')(position(), context)).toMatchObject({
      reason: { code: 'Denied' },
    });
  });

  it('limit how long an agreement lasts', () => {
    const limits = expirationLimits({ minMs: 1000, maxMs: 60_000 });
    expect(limits(position(), context)).toEqual(ACCEPT);
    expect(limits(position({ [PROPERTY.expiration]: NOW + 999 }), context)).toMatchObject({
      reason: { code: 'ExpiresTooSoon' },
    });
    expect(limits(position({ [PROPERTY.expiration]: NOW + 60_001 }), context)).toMatchObject({
      reason: { code: 'ExpiresTooLate' },
    });
    expect(limits(position({ [PROPERTY.expiration]: 'soon' }), context)).toMatchObject({
      reason: { code: 'InvalidDemand' },
    });
  });

  it('bring a wish into the bounds of both, or refuse', () => {
    const seconds = fc.integer({ min: 0, max: 1000 });
    const bounds = fc.tuple(seconds, seconds).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
    fc.assert(
      fc.property(seconds, bounds, bounds, (wished, theirs, ours) => {
        const offer = { [interval.min]: theirs.min, [interval.max]: theirs.max, [interval.wish]: theirs.min };
        const verdict = demandSeconds(interval, ours)(position({ [interval.wish]: wished }, offer), context);
        const possible = Math.max(theirs.min, ours.min) <= Math.min(theirs.max, ours.max);
        expect(verdict.type === 'reject').toBe(!possible);
        const value = verdict.type === 'adjust' ? Number(verdict.properties[interval.wish]) : wished;
        if (!possible) return;
        expect(value).toBeGreaterThanOrEqual(Math.max(theirs.min, ours.min));
        expect(value).toBeLessThanOrEqual(Math.min(theirs.max, ours.max));
        expect(offerSeconds(interval)(position({ [interval.wish]: value }, offer), context)).toEqual(ACCEPT);
      }),
    );
  });

  it('estimate the price exactly, rounding up', () => {
    const pricing = {
      model: 'linear' as const,
      platform: 'ledger',
      counters: ['a', 'b'],
      coefficients: ['3', '5'],
      startPrice: '7',
    };
    expect(estimatePrice(pricing, {})).toBe(7n);
    expect(estimatePrice(pricing, { a: '2000000000', c: '1000000000' })).toBe(13n);
    expect(estimatePrice(pricing, { a: '1', b: '1' })).toBe(8n);
    const usage = { 'golem.usage.duration_sec': '10000000000' };
    expect(maxPrice(2_000_000_000_000_000n, usage)(position(), context)).toEqual(ACCEPT);
    expect(maxPrice(1_999_999_999_999_999n, usage)(position(), context)).toMatchObject({
      reason: { code: 'TooExpensive', detail: { estimate: '2000000000000000', max: '1999999999999999' } },
    });
  });

  it('keep a provider from selling below its floor', () => {
    const floor = (startPrice: bigint, cpu: bigint) =>
      minPrice({ ledger: { startPrice, coefficients: { 'golem.usage.cpu_sec': cpu } } })(position(), context);
    expect(floor(10n ** 15n, 2n * 10n ** 14n)).toEqual(ACCEPT);
    expect(floor(10n ** 15n + 1n, 0n)).toMatchObject({
      reason: { code: 'TooCheap', detail: { counter: 'start' } },
    });
    expect(floor(0n, 2n * 10n ** 14n + 1n)).toMatchObject({
      reason: { detail: { counter: 'golem.usage.cpu_sec' } },
    });
    expect(minPrice({ other: { startPrice: 10n ** 30n, coefficients: {} } })(position(), context)).toEqual(
      ACCEPT,
    );
  });

  it('ask for no more than is free', () => {
    const free = { ...TOTAL, memoryBytes: 2 ** 30 };
    expect(
      resourcesFit(position({ [PROPERTY.requestedMemoryBytes]: 2 ** 30 }), { ...context, free }),
    ).toEqual(ACCEPT);
    expect(
      resourcesFit(position({ [PROPERTY.requestedMemoryBytes]: 2 ** 30 + 1 }), { ...context, free }),
    ).toMatchObject({
      reason: { code: 'NoFreeSlot', detail: { resource: 'memoryBytes', free: 2 ** 30 } },
    });
  });
});

describe('a chain', () => {
  const adjust =
    (properties: Properties): Negotiator =>
    () => ({ type: 'adjust', properties });

  it('adds adjustments up, shows each to those that follow, and ends at the first rejection', () => {
    const seen: unknown[] = [];
    const look: Negotiator = ({ offer }) => {
      seen.push(offer.properties['x']);
      return ACCEPT;
    };
    expect(negotiate('offer', [adjust({ x: 1 }), look, adjust({ y: 2 })], position(), context)).toEqual({
      type: 'adjust',
      properties: { x: 1, y: 2 },
    });
    expect(seen).toEqual([1]);
    expect(negotiate('offer', [manual, () => reject('No', 'no'), look], position(), context)).toMatchObject({
      type: 'reject',
    });
    expect(seen).toEqual([1]);
    expect(negotiate('demand', [manual, look], position(), context)).toEqual({ type: 'pending' });
    expect(negotiate('demand', [], position(), context)).toEqual(ACCEPT);
  });

  it('of either side takes what fits and says what does not', () => {
    const provider = providerChain(MARKET_DEFAULTS.provider);
    const requestor = requestorChain(MARKET_DEFAULTS.requestor);
    for (const chain of [provider, requestor]) {
      expect(negotiate('offer', chain, position(), context)).toEqual(ACCEPT);
      const unfit = position({ [PROPERTY.requestedCpuThreads]: 99 });
      expect(negotiate('offer', chain, unfit, context)).toMatchObject({
        reason: { code: 'InvalidDemand', detail: { property: PROPERTY.requestedCpuThreads } },
      });
      const unmatched = {
        ...position(),
        demand: { ...position().demand, constraints: '(golem.runtime.name=vm)' },
      };
      expect(negotiate('offer', chain, unmatched, context)).toMatchObject({
        reason: { code: 'NoMatch', message: expect.stringContaining('golem.runtime.name is "wasi"') },
      });
    }
    expect(negotiate('offer', provider, position({ [interval.wish]: 1 }), context)).toEqual({
      type: 'adjust',
      properties: { [interval.wish]: 10 },
    });
    expect(negotiate('offer', provider, position(), { ...context, activeAgreements: 1024 })).toMatchObject({
      reason: { code: 'TooManyAgreements' },
    });
  });
});
