import { describe, expect, it } from 'vitest';
import { match } from '../../../../src/market/language/match.ts';

const offer = {
  properties: { 'golem.runtime.name': 'wasi', 'golem.inf.mem.gib': 2, 'golem.com.pricing.model': 'linear' },
  constraints: '(golem.srv.comp.expiration<2000)',
};

describe('match', () => {
  it('holds only when both sides are satisfied', () => {
    const demand = {
      properties: { 'golem.srv.comp.expiration': 1000 },
      constraints: '(golem.inf.mem.gib>=1)',
    };
    expect(match(offer, demand)).toEqual({ result: true, unmet: [] });
    expect(match(offer, { ...demand, properties: { 'golem.srv.comp.expiration': 3000 } })).toMatchObject({
      result: false,
      unmet: [{ of: 'offer', term: '(golem.srv.comp.expiration<2000)', result: false }],
    });
    expect(match(offer, { ...demand, properties: {} })).toMatchObject({ result: undefined });
  });

  it('names the terms that are not met, with what was found', () => {
    const constraints =
      '(&(golem.com.pricing.model=linear)(golem.inf.mem.gib>=4)(golem.inf.gpu=*)(|(golem.runtime.name=vm)(golem.runtime.name=docker))(!(golem.runtime.name=w*))(golem.x=1))';
    const result = match({ ...offer, constraints: '' }, { properties: {}, constraints });
    expect(result.result).toBe(false);
    expect(result.unmet).toEqual([
      { of: 'demand', term: '(golem.inf.mem.gib>=4)', result: false, explanation: 'golem.inf.mem.gib is 2' },
      { of: 'demand', term: '(golem.inf.gpu=*)', result: false, explanation: 'golem.inf.gpu is missing' },
      {
        of: 'demand',
        term: '(golem.runtime.name=vm)',
        result: false,
        explanation: 'golem.runtime.name is "wasi"',
      },
      {
        of: 'demand',
        term: '(golem.runtime.name=docker)',
        result: false,
        explanation: 'golem.runtime.name is "wasi"',
      },
      {
        of: 'demand',
        term: '(!(golem.runtime.name=w*))',
        result: false,
        explanation: 'golem.runtime.name is "wasi"',
      },
      { of: 'demand', term: '(golem.x=1)', result: undefined, explanation: 'golem.x is missing' },
    ]);
  });

  it('explains a filter that can never hold', () => {
    expect(match({ ...offer, constraints: '(|)' }, { properties: {}, constraints: '' }).unmet).toEqual([
      { of: 'offer', term: '(|)', result: false, explanation: 'can never hold' },
    ]);
  });
});
