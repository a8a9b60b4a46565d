import { Type } from 'typebox';
import type { ApiServer } from '../../../route.ts';
import { invalid } from '../errors.ts';
import { sendJson } from '../reply.ts';
import type { YagnaServices } from '../services.ts';

const Body = Type.Object({
  listen: Type.Object({
    on: Type.String({ minLength: 1, maxLength: 1024 }),
    components: Type.Array(Type.String({ maxLength: 128 }), { maxItems: 64 }),
  }),
});
const Params = Type.Object({ servicesId: Type.String({ maxLength: 512 }) });
const ACT = { scope: 'requestor' } as const;

/** Services that a client binds, and the WebSocket that it serves them on. */
export function gsbRoutes(app: ApiServer, { gsb }: YagnaServices): void {
  app.post('/services', { config: ACT, schema: { body: Body } }, async (request, reply) => {
    const { on, components } = request.body.listen;
    if (!on.startsWith('/public/')) throw invalid('A service is bound below /public/');
    const servicesId = gsb.bind(on, request.caller?.appKeyId ?? '');
    return sendJson(
      reply,
      { servicesId, listen: { on, components, links: { messages: `gsb-api/v1/services/${servicesId}` } } },
      201,
    );
  });
  app.delete('/services/:servicesId', { config: ACT, schema: { params: Params } }, async (request, reply) => {
    gsb.unbind(request.params.servicesId, request.caller?.appKeyId ?? '');
    return sendJson(reply, null);
  });
}
