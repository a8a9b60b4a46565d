import type { Command } from 'commander';
import { Type, type Static } from 'typebox';
import { Offer, PROPERTY } from '../../interface/index.ts';
import type { Commands } from '../command.ts';
import { time } from '../format.ts';

const OfferLine = Type.Object({
  offer: Offer,
  matches: Type.Optional(Type.String()),
  reasons: Type.Optional(Type.Array(Type.String())),
});
type OfferLine = Static<typeof OfferLine>;

export function offersCommand(root: Command, commands: Commands, summary: string): void {
  commands.add<{ explain?: string }>(
    root,
    {
      usage: 'offers',
      summary,
      examples: [
        ['offers', 'all that have not expired'],
        ["offers --explain '(golem.inf.mem.gib>=4)'", 'which fit, and why the others do not'],
      ],
    },
    (command) => command.option('--explain <constraint>', 'hold each offer against a constraint'),
    async (session, _args, { explain }) => {
      const answer = await (
        await session.client()
      ).get('/v1/offers', Type.Object({ items: Type.Array(OfferLine) }), { constraints: explain });
      const property = (line: OfferLine, name: string): string => String(line.offer.properties[name] ?? '-');
      const verdict = [
        { title: 'FITS', value: ({ matches }: OfferLine) => VERDICTS[matches ?? ''] ?? '-' },
        { title: 'WHY NOT', value: ({ reasons }: OfferLine) => reasons?.join('; ') ?? '' },
      ];
      const columns = [
        { title: 'OFFER', value: ({ offer }: OfferLine) => offer.offerId, whole: true },
        { title: 'PROVIDER', value: ({ offer }: OfferLine) => offer.provider },
        { title: 'RUNTIME', value: (line: OfferLine) => property(line, PROPERTY.runtimeName) },
        { title: 'CPU', value: (line: OfferLine) => property(line, PROPERTY.cpuThreads) },
        { title: 'MEM GIB', value: (line: OfferLine) => property(line, PROPERTY.memoryGib) },
        { title: 'PRICE', value: priceOf },
        ...(explain === undefined
          ? [{ title: 'EXPIRES', value: ({ offer }: OfferLine) => time(offer.expiresAt) }]
          : verdict),
      ];
      await session.printList(
        answer.items,
        columns,
        'No offers yet. `ergon peers` shows whether any provider is connected.',
      );
      return undefined;
    },
  );
}

/** In tokens: at the start where that costs something, and per unit of each counter by the last part of its name. */
function priceOf({ offer: { properties } }: OfferLine): string {
  const counters = list(properties[PROPERTY.usageVector]);
  const prices = list(properties[PROPERTY.linearCoefficients]);
  const perUnit = counters.map(
    (counter, at) => `${prices[at] ?? '?'}/${counter.split('.').slice(2).join('.')}`,
  );
  const start = prices.at(-1) ?? '0';
  return [...(Number(start) === 0 ? [] : [start]), ...perUnit].join(' + ') || 'free';
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

const VERDICTS: Readonly<Record<string, string>> = { true: 'yes', false: 'no', undefined: 'unknown' };
