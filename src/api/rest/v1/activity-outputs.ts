import { Type } from 'typebox';
import { BlobHash, Id, type BlobInfo } from '../../../interface/index.ts';
import type { RouteContext, Routes } from '../../route.ts';
import { closed } from '../../schemas/common.ts';
import { found } from '../found.ts';
import { download } from './blobs.ts';

const OutputParams = Type.Object({ id: Id, hash: BlobHash }, closed);
const PAGE = 256;

export const activityOutputRoutes: Routes = (app, context) => {
  const { activities, blobs, outputs, stopSignal } = context;

  app.get(
    '/activities/:id/outputs/:hash',
    {
      config: { scope: 'requestor', produces: ['application/octet-stream'] },
      schema: {
        summary:
          'Download what a transfer to `blob:` has put out, brought from the provider if it is not here',
        params: OutputParams,
      },
    },
    async ({ params: { id, hash } }, reply) => {
      found('activity', id, await activities.get(id));
      const output = found('output', hash, await outputOf(context, id, hash));
      if ((await blobs.stat(hash)) === undefined) await outputs.bring(id, output, stopSignal);
      return download(reply, context, found('blob', hash, await blobs.stat(hash)));
    },
  );
};

/** As the result of a command says it: other files of the provider are none of this activity's. */
async function outputOf(
  { books }: RouteContext,
  activity: string,
  hash: string,
): Promise<BlobInfo | undefined> {
  let after: string | undefined;
  do {
    const { items, next } = await books.batches.list({ limit: PAGE, after, where: { activity } });
    for (const { results } of items) {
      const blob = results.find((result) => result.blob?.hash === hash)?.blob;
      if (blob !== undefined) return blob;
    }
    after = next;
  } while (after !== undefined);
  return undefined;
}
