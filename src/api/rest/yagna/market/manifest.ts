import { Type } from 'typebox';
import { PROPERTY } from '../../../../interface/index.ts';
import { allOf, parseFilter, printFilter } from '../../../../market/index.ts';
import { checker } from '../../../../util/check.ts';
import { invalid } from '../errors.ts';
import { flat } from './properties.ts';
import type { ClientDemand } from './records.ts';

/** What a client's program is made of and may do: JSON in base64. Beside it stands who signed it. */
const PAYLOAD = 'golem.srv.comp.payload';

const Inet = Type.Object({ out: Type.Optional(Type.Object({})) });
const Net = Type.Object({ inet: Type.Optional(Inet) });
const CompManifest = Type.Object({ net: Type.Optional(Net) });
const checkManifest = checker(Type.Object({ compManifest: Type.Optional(CompManifest) }), PAYLOAD);

/**
 * A manifest's way out to the internet is the outside network of this market. Who sells it leads to all of the public
 * internet, so its list of addresses and its signature are nothing that the provider has to see.
 * @throws YagnaError, CheckError for what is no manifest
 */
export function withoutManifest({ properties, constraints }: ClientDemand): ClientDemand {
  const given = flat(properties, '');
  const payload = given.find(([key]) => key === PAYLOAD)?.[1];
  if (payload === undefined) return { properties, constraints };
  const rest = Object.fromEntries(given.filter(([key]) => !`${key}.`.startsWith(`${PAYLOAD}.`)));
  if (!leadsOutside(String(payload))) return { properties: rest, constraints };
  return {
    properties: { ...rest, [PROPERTY.network]: true },
    constraints: printFilter(
      allOf([constraints, `(${PROPERTY.network}=true)`].map((term) => parseFilter(term))),
    ),
  };
}

function leadsOutside(payload: string): boolean {
  return checkManifest(parsed(payload)).compManifest?.net?.inet?.out !== undefined;
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, 'base64').toString());
  } catch {
    throw invalid(`${PAYLOAD} is no manifest, which is JSON in base64`);
  }
}
