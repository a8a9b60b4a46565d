import { match } from '../language/match.ts';
import { ACCEPT, reject, type Negotiator } from './negotiator.ts';

/** Each side must satisfy what the other asks. Demand validation begins here: a malformed filter throws. */
export const matching: Negotiator = ({ offer, demand }) => {
  const { result, unmet } = match(offer, demand);
  if (result === true) return ACCEPT;
  const terms = unmet.map(({ of, term, explanation }) => `${of} asks ${term}: ${explanation}`);
  return reject('NoMatch', shortened(`Offer and demand do not match: ${terms.join('; ')}`));
};

function shortened(text: string): string {
  return text.length > 2000 ? `${text.slice(0, 1999)}…` : text;
}
