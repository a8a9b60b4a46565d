import { expect, test } from 'vitest';
import type { TransferSource } from '../../../src/interface/transfer.ts';
import { transferSources } from '../../../src/transfer/index.ts';

const options = { signal: new AbortController().signal, maxBytes: 10 };

test('the source of a URL is found by its scheme', async () => {
  const seen: string[] = [];
  const source = (name: string, schemes: string[]): TransferSource => ({
    schemes,
    async open(url) {
      seen.push(`${name} ${url.href}`);
      return {
        bytes: (async function* () {
          yield new Uint8Array();
        })(),
      };
    },
  });
  const sources = transferSources([source('first', ['http', 'https']), source('second', ['gftp'])]);
  expect(sources.schemes).toEqual(['http', 'https', 'gftp']);
  await sources.open(new URL('https://example.org/x'), options);
  await sources.open(new URL('gftp://peer/y'), options);
  expect(seen).toEqual(['first https://example.org/x', 'second gftp://peer/y']);
  await expect(sources.open(new URL('file:///etc/passwd'), options)).rejects.toMatchObject({
    code: 'ERR_TRANSFER_SCHEME',
  });
});
