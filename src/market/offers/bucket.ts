import { Type, type Static } from 'typebox';
import { Offer } from '../../interface/market.ts';
import type { Bucket } from '../../interface/store.ts';
import { checker } from '../../util/check.ts';

/** An offer of our own: what we signed is what an agreement must be made of. */
export const OwnOffer = Type.Object(
  {
    offer: Offer,
    /** Its name among the node's offers; absent for one that was signed for a single negotiation. */
    name: Type.Optional(Type.String({ maxLength: 256 })),
    /** Whoever published it by hand has the word on what comes of it; also of one that was made of it for a negotiation. */
    hand: Type.Optional(Type.String({ maxLength: 64 })),
    withdrawn: Type.Boolean(),
  },
  { additionalProperties: false },
);
export type OwnOffer = Static<typeof OwnOffer>;

/** The offers that this node has made, by offerId; `live` are those on the market. */
export const offerBucket: Bucket<OwnOffer> = {
  name: 'offers',
  check: checker(OwnOffer, 'own offer'),
  indexes: { live: ({ name, withdrawn }) => (name === undefined || withdrawn ? [] : ['live']) },
};
