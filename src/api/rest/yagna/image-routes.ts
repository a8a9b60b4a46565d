import { Type } from 'typebox';
import type { ApiServer } from '../../route.ts';
import { invalid, notFound } from './errors.ts';
import type { YagnaServices } from './services.ts';

const Text = Type.String({ minLength: 1, maxLength: 512 });
const Query = Type.Object({ tag: Type.Optional(Text), hash: Type.Optional(Text) });

/** Golem's image registry, as far as clients ask it: where an image is, and its hash. */
export function imageRoutes(app: ApiServer, { packages }: YagnaServices): void {
  app.get(
    '/v1/image/info',
    { config: { scope: 'public' }, schema: { querystring: Query } },
    async (request) => {
      const { tag, hash } = request.query;
      if (tag === undefined && hash === undefined) throw invalid('Name an image by tag or by hash');
      const by = { ...(tag !== undefined && { tag }), ...(hash !== undefined && { hash }) };
      const image = await packages.image(by, `http://${request.host}`);
      if (image === undefined) throw notFound('image', tag ?? hash ?? '');
      return { http: image.url, https: image.url, sha3: image.sha3, size: image.sizeBytes };
    },
  );
}
