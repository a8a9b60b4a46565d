import { describe, expect, it } from 'vitest';
import { ourDemand } from '../../../../src/api/rest/yagna/market/demand-book.ts';
import { Platforms } from '../../../../src/api/rest/yagna/platforms.ts';
import { PROPERTY } from '../../../../src/interface/index.ts';

const PAYLOAD = 'golem.srv.comp.payload';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const demand = (payload: string, more: object = {}) =>
  ourDemand(
    { properties: { a: 1, [PAYLOAD]: payload, ...more }, constraints: '(b=2)' },
    new Platforms({}, []),
  );

describe("a client's manifest", () => {
  it('that leads out to the internet asks for the outside network, and stays here', () => {
    const out = { urls: ['https://example.com'], protocols: ['https'] };
    const manifest = base64(JSON.stringify({ compManifest: { net: { inet: { out } } } }));
    // Longer than a value of the market may be.
    const signed = { [`${PAYLOAD}.sig`]: 'x', [`${PAYLOAD}.cert`]: 'x'.repeat(10_000) };
    expect(demand(manifest, signed)).toEqual({
      properties: { a: 1, [PROPERTY.network]: true },
      constraints: `(&(b=2)(${PROPERTY.network}=true))`,
    });
  });

  it.each(['{}', '{"compManifest":{"version":"0.1.0"}}', '{"compManifest":{"net":{"inet":{}}}}'])(
    '%s asks for none',
    (text) => expect(demand(base64(text))).toEqual({ properties: { a: 1 }, constraints: '(b=2)' }),
  );

  it.each(['none', base64('{'), base64('1'), base64('{"compManifest":1}')])('%s is refused', (payload) =>
    expect(() => demand(payload)).toThrow(/payload/),
  );
});
