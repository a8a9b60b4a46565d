import { Readable } from 'node:stream';
import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { invalid } from '../errors.ts';
import { clientGone } from '../hold.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';

const Params = Type.Object({
  node: Type.String({ maxLength: 64 }),
  id: Type.String({ minLength: 1, maxLength: 256 }),
});
const ACT = { scope: 'requestor' } as const;

/** Files that clients publish or wait for, for other clients of this node: what `gftp download` and `upload` call. */
export function gftpRoutes(app: ApiServer, { files, context }: YagnaServices): void {
  const { maxPackageBytes: maxBytes } = context.limits;
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/octet-stream', (_request, payload, done) => done(null, payload));

  app.get('/gftp/:node/:id', { config: ACT, schema: { params: Params } }, async ({ params }, reply) => {
    const bytes = files.receive(urlOf(params), { signal: clientGone(reply), maxBytes });
    return reply.type('application/octet-stream').send(Readable.from(bytes));
  });
  app.put(
    '/gftp/:node/:id',
    { config: ACT, schema: { params: Params }, bodyLimit: maxBytes },
    async ({ params, body }, reply) => {
      if (!(body instanceof Readable)) throw invalid('Send the file as the body: application/octet-stream');
      await files.send(urlOf(params), body, clientGone(reply));
      return sendJson(reply, null);
    },
  );
}

function urlOf({ node, id }: { node: string; id: string }): string {
  return `gftp://${node}/${id}`;
}
