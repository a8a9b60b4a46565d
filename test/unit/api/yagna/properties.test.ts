import { expect, it } from 'vitest';
import { toClient, toReply } from '../../../../src/api/rest/yagna/market/properties.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';

const platforms = new Platforms({ 'erc20-holesky-tglm': 'ledger' }, []);
const offer = {
  'golem.com.pricing.model.linear.coeffs@d': ['0.0001', '2', '0'],
  'golem.inf.cpu.threads': 4,
  'golem.node.id.name': 'one',
};

it('a decimal is written with a fraction also when it has none, and only a decimal', () => {
  const text = JSON.stringify(toReply(offer, platforms));
  expect(text).toContain('"golem.com.pricing.model.linear.coeffs":[0.0001,2.0,0.0]');
  expect(text).toContain('"golem.inf.cpu.threads":4,');
  expect(JSON.parse(text)).toEqual(toClient(offer, platforms));
  expect(JSON.stringify(toReply({ 'one@d': '5', 'huge@d': '1e21' }, platforms))).toBe(
    '{"one":5.0,"huge":1e+21}',
  );
});
