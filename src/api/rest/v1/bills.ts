import { Type, type TObject, type TSchema } from 'typebox';
import {
  Allocation,
  BILL_STATES,
  DebitNoteRecord,
  Id,
  InvoiceRecord,
  PaymentRecord,
} from '../../../interface/index.ts';
import type { Collection } from '../../collection.ts';
import type { ApiServer, Routes } from '../../route.ts';
import { answers, closed, IdParams, page, pageQuery } from '../../schemas/common.ts';
import { found } from '../found.ts';

const state = Type.Optional(Type.Enum(BILL_STATES));
const role = Type.Optional(DebitNoteRecord.properties.role);
const agreement = Type.Optional(Id);

export const billRoutes: Routes = (app, { books }) => {
  resource(app, books.debitNotes, {
    path: 'debit-notes',
    name: 'debit note',
    item: DebitNoteRecord,
    filters: Type.Object({ agreement, activity: Type.Optional(Id), state, role }),
  });
  resource(app, books.invoices, {
    path: 'invoices',
    name: 'invoice',
    item: InvoiceRecord,
    filters: Type.Object({ agreement, state, role }),
  });
  resource(app, books.payments, {
    path: 'payments',
    name: 'payment',
    item: PaymentRecord,
    filters: Type.Object({ agreement, invoice: Type.Optional(Id) }),
    // The books keep payments by counterparty and sequence.
    get: async (id) => (await books.payments.list({ limit: 1, where: { payment: id } })).items[0],
  });
  resource(app, books.allocations, {
    path: 'allocations',
    name: 'allocation',
    item: Allocation,
    filters: Type.Object({}),
  });
};

interface Resource<T> {
  readonly path: string;
  readonly name: string;
  readonly item: TSchema;
  readonly filters: TObject;
  /** Finds a record by its id, where it is not stored under that. */
  readonly get?: (id: string) => Promise<T | undefined>;
}

/** The list and the single item of one kind of record. */
function resource<T>(app: ApiServer, records: Collection<T>, of: Resource<T>): void {
  const get = of.get ?? ((id: string) => records.get(id));
  app.get(
    `/${of.path}`,
    {
      config: { scope: 'read' },
      schema: {
        summary: `All ${of.name}s of both roles`,
        querystring: Type.Object({ ...pageQuery, ...of.filters.properties }, closed),
        response: answers({ 200: page(of.item) }),
      },
    },
    async (request, reply) => {
      const { limit, after, ...where } = request.query;
      const filters = Object.fromEntries(Object.entries(where).map(([name, value]) => [name, String(value)]));
      return reply.send(await records.list({ limit, after, where: filters }));
    },
  );
  app.get(
    `/${of.path}/:id`,
    {
      config: { scope: 'read' },
      schema: { summary: `One ${of.name} by its id`, params: IdParams, response: answers({ 200: of.item }) },
    },
    async (request, reply) => reply.send(found(of.name, request.params.id, await get(request.params.id))),
  );
}
