import type { BaseWallet } from 'ethers';
import type { DocumentKind, Signer } from '../interface/identity.ts';
import { digester, type DomainInit } from './digest.ts';

/** Signs documents with a wallet's key, as EIP-712 typed data. */
export function signer(wallet: BaseWallet, init: DomainInit): Signer {
  const digest = digester(init);
  return {
    address: wallet.address,
    sign: async (kind: DocumentKind, document: object) =>
      wallet.signingKey.sign(digest(kind, document)).serialized,
  };
}
