import { Type } from 'typebox';
import { Offer } from '../../../interface/index.ts';
import type { Routes } from '../../route.ts';
import { answers, closed, IdParams } from '../../schemas/common.ts';
import { found } from '../found.ts';

const Query = Type.Object(
  {
    constraints: Type.Optional(
      Type.String({
        minLength: 1,
        maxLength: 16_384,
        description: 'Say of each offer whether it fits, and why not',
      }),
    ),
  },
  closed,
);
const OfferView = Type.Object(
  {
    offer: Offer,
    matches: Type.Optional(
      Type.Union([Type.Literal('true'), Type.Literal('false'), Type.Literal('undefined')]),
    ),
    reasons: Type.Optional(Type.Array(Type.String())),
  },
  closed,
);

export const offerRoutes: Routes = (app, { offers }) => {
  app.get(
    '/offers',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Offers that this node knows of, optionally held against a constraint',
        querystring: Query,
        response: answers({ 200: Type.Object({ items: Type.Array(OfferView) }, closed) }),
      },
    },
    async ({ query: { constraints } }) => {
      if (constraints === undefined) return { items: (await offers.list()).map((offer) => ({ offer })) };
      const explained = await offers.explain(constraints);
      return { items: explained.map(({ reasons, ...rest }) => ({ ...rest, reasons: [...reasons] })) };
    },
  );
  app.get(
    '/offers/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'One offer by its id', params: IdParams, response: answers({ 200: Offer }) },
    },
    async ({ params: { id } }) => found('offer', id, await offers.get(id)),
  );
};
