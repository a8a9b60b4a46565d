import { networkInterfaces } from 'node:os';

/** The addresses that this machine has at this moment. */
export function localAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}
