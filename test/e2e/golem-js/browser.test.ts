import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeBrowser, launchBrowser, Site } from '../../support/browser.ts';
import type { Page } from '../market-pair.ts';
import { GolemMarket } from './golem-market.ts';
import { GUESTS } from './guests.ts';

const at = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const FILES = {
  '/golem-js.js': at('node_modules/@golem-sdk/golem-js/dist/golem-js.min.js'),
  '/page.js': at('test/fixtures/web/page.js'),
};

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

describeBrowser('golem-js in a browser, unmodified', () => {
  let market: GolemMarket;
  let browser: Browser;
  let site: Site;
  let elsewhere: Site;
  let key = '';
  beforeAll(async () => {
    market = await GolemMarket.start();
    browser = await launchBrowser();
    site = await new Site(FILES).open(browser);
    elsewhere = await new Site(FILES).open(browser);
    const made = { name: 'page', scopes: ['requestor'], corsOrigins: [site.origin] };
    ({ key } = await market.requestor.call<{ key: string }>('POST', '/v1/app-keys', made));
  });
  afterAll(async () => {
    site.close();
    elsewhere.close();
    await browser.close();
    await market.stop();
  });

  /** A call of the API from a page. */
  const ask = (from: Site, path: string, options: Record<string, unknown> = {}) =>
    from.act<Answer | 'blocked'>('ask', { url: market.requestor.url, key, path, ...options });
  const post = (body: object) => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });

  it.each(GUESTS)(
    'rents, streams, brings files both ways and pays, in the runtime $runtime',
    async ({ order, tick }) => {
      const { url } = market.requestor;
      const seen = await site.act('rent', { url, key, order, program: tick(2, 100) });
      const output = (which: string) => `begin ${which}\ntick 1\ntick 2\nend\n`;
      expect(seen).toEqual({
        scanned: 'provider-1',
        stdout: output('first'),
        streamed: output('again'),
        result: 'Ok',
        isSame: true,
        accepted: [expect.stringMatching(/^0\.0*[1-9]/)],
      });
    },
  );

  it('blocks a page of another site, which changes nothing', async () => {
    const allocations = () => market.requestor.call<Page<unknown>>('GET', '/v1/allocations');
    const before = await allocations();
    const wanted = post({ totalAmount: '1', paymentPlatform: 'erc20-holesky-tglm' });
    expect(await ask(elsewhere, '/payment-api/v1/allocations', wanted)).toBe('blocked');
    // Browsers send this one without asking first.
    expect(await ask(elsewhere, '/v1/image/info', { key: '', headers: { authorization: '' } })).toBe(
      'blocked',
    );
    expect(await allocations()).toEqual(before);
  });

  it('refuses a key that is good on other pages only, and says so', async () => {
    const answer = await ask(site, '/me', { key: market.requestor.appKey });
    expect(answer).toMatchObject({ status: 403, text: expect.stringContaining(site.origin) as string });
  });

  it('opens websockets for the pages where the key is good, and for no others', async () => {
    const service = post({ listen: { on: '/public/gftp/page', components: ['GetMetadata'] } });
    const made = (await ask(site, '/gsb-api/v1/services', service)) as Answer;
    const { servicesId } = JSON.parse(made.text) as { servicesId: string };
    const { url, appKey } = market.requestor;
    const path = (by: string) => `/gsb-api/v1/services/${servicesId}?authToken=${by}`;
    expect(await site.act('open', { url, path: path(key) })).toBe('gsb+flexbuffers');
    expect(await site.act('open', { url, path: path(appKey) })).toBe('refused');
    expect(await elsewhere.act('open', { url, path: path(key) })).toBe('refused');
  });

  it('lets the page read what it needs, with whatever headers it sends', async () => {
    const upload = { method: 'POST', body: 'hello', headers: { 'content-type': 'application/octet-stream' } };
    const stored = await ask(site, '/v1/blobs', upload);
    const location = expect.stringMatching('^/v1/blobs/sha256:') as string;
    expect(stored).toMatchObject({ status: 201, headers: { location } });
    const headers = { accept: 'text/event-stream', 'cache-control': 'no-cache', 'x-trace': '1' };
    expect(await ask(site, '/v1/events', { headers })).toMatchObject({
      status: 200,
      text: ': connected\n\n',
    });
  });

  it('lets the page read what is wrong', async () => {
    expect(await ask(site, '/v1/node', { key: 'none' })).toMatchObject({ status: 401 });
    expect(await ask(site, '/v1/nothing')).toMatchObject({ status: 404 });
    expect(await ask(site, '/v1/%zz')).toMatchObject({ status: 400 });
    expect(await ask(site, '/v1/tasks', { ...post({}), bodyBytes: 5_000_000 })).toMatchObject({
      status: 413,
    });
  });
});
