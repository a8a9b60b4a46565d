import { describe, expect, it } from 'vitest';
import { isFenced } from '../../../runtimes/docker/outside/fence.ts';
import { rulesV4, rulesV6 } from '../../../runtimes/docker/outside/rules.ts';

describe('the fence of an outside network', () => {
  const init = { allow: ['10.1.0.0/16', 'fd00::5'], own: ['198.18.0.4', '2001:4860::1'] };
  const verdict = (rules: string, network: string): string =>
    rules.split('\n').find((rule) => rule.includes(`-d ${network} `)) ?? '';

  it('lets through what is allowed, before it refuses what is not public, and what is this machine', () => {
    const rules = rulesV4(init);
    expect(verdict(rules, '10.1.0.0/16')).toContain('ACCEPT');
    expect(rules.indexOf('10.1.0.0/16')).toBeLessThan(rules.indexOf('10.0.0.0/8'));
    for (const network of ['198.18.0.4', '10.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4'])
      expect(verdict(rules, network)).toContain('REFUSED');
    expect(rules).not.toContain(':5');
  });

  it('refuses all of IPv6 but its public part', () => {
    const rules = rulesV6(init);
    expect(verdict(rules, 'fd00::5')).toContain('ACCEPT');
    expect(verdict(rules, '2001:4860::1')).toContain('REFUSED');
    expect(rules.indexOf('2001:4860::1')).toBeLessThan(rules.indexOf('2000::/3'));
    expect(rules.trim().split('\n').at(-2)).toMatch(/-d ::\/0 .*REFUSED/);
    expect(rules).not.toContain('10.1.0.0');
  });

  it('is none where everything is allowed', () => {
    expect(isFenced([])).toBe(true);
    expect(isFenced(['10.0.0.0/8', '0.0.0.0/0'])).toBe(false);
  });
});
