import type { AgreementRecord, Role, Termination } from '../../interface/market.ts';
import type { RequestHandler, Sender } from '../../interface/network.ts';
import type { JsonValue, Transaction } from '../../interface/store.ts';
import type { Reason } from '../../interface/values.ts';
import type { MarketComponents } from '../components.ts';
import { MarketError } from '../errors.ts';
import { KINDS, MARKET_PROTOCOL, checkTerminationMessage, type TerminationMessage } from '../wire.ts';
import { signatureError, verifyAgreementSignature } from './check-proposal.ts';
import { hasEnded } from './machine.ts';
import { advance, agreementBucket, counterparty, notFound, partyAddress } from './records.ts';

/** A termination is tried to be delivered until this long after the agreement would have ended anyway. */
const DELIVERY_MS = 7 * 24 * 3_600_000;

type Components = Pick<
  MarketComponents,
  'store' | 'signer' | 'verifier' | 'clock' | 'newId' | 'slots' | 'logger'
> & {
  /** Called after slots may have become free. */
  readonly onReleased: () => void;
};

/** Throws ERR_MARKET_SIGNATURE unless the party that it names ended this agreement by it. */
export function verifyTermination(
  record: Pick<AgreementRecord, 'agreement'>,
  termination: Termination,
  { verifier }: Pick<MarketComponents, 'verifier'>,
): void {
  const { agreementId } = record.agreement;
  try {
    verifier.verify('Termination', termination, termination.signature, partyAddress(record, termination.by));
  } catch (cause) {
    throw signatureError('Termination', agreementId, cause);
  }
  if (termination.agreementId !== agreementId) {
    throw signatureError(
      'Termination',
      agreementId,
      new Error(`it ends agreement ${termination.agreementId}`),
    );
  }
}

/** How agreements end before their time, or at it: by one party's signed word, which the other stores too. */
export class Terminations {
  readonly #components: Components;

  constructor(components: Components) {
    this.#components = components;
  }

  /** Ends an approved agreement; one that is not approved yet is cancelled; one that has ended stays as it is. */
  async terminate(agreementId: string, reason: Reason): Promise<AgreementRecord> {
    const record = await this.#get(agreementId);
    if (hasEnded(record.state)) return record;
    return record.state === 'Approved'
      ? this.#end(record, reason, 'terminate')
      : this.cancel(agreementId, reason);
  }

  /** Gives up an agreement that was never approved here; the provider is told, in case that it did approve. */
  async cancel(agreementId: string, reason: Reason): Promise<AgreementRecord> {
    return this.#end(await this.#get(agreementId), reason, 'cancel');
  }

  receiveRequest(): RequestHandler<TerminationMessage> {
    return {
      check: checkTerminationMessage,
      handle: async (message, sender) => this.#receive(message, sender),
    };
  }

  async #end(
    record: AgreementRecord,
    reason: Reason,
    command: 'terminate' | 'cancel',
  ): Promise<AgreementRecord> {
    const { store, newId, clock } = this.#components;
    const { agreementId } = record.agreement;
    const termination = await this.#sign(agreementId, record.role, reason);
    const messageId = newId();
    const ended = await store.transact(async (tx) => {
      const current = await tx.get(agreementBucket, agreementId);
      if (current === undefined) throw notFound(agreementId);
      if (hasEnded(current.state)) return current;
      // It was approved in the meantime: then it is an agreement to end, with the same words.
      const isApproved = current.state === 'Approved';
      if (command === 'terminate' || isApproved || current.state === 'Pending')
        this.#send(tx, current, termination, messageId);
      if (isApproved) return this.#terminateIn(tx, current, termination);
      return advance(tx, current, 'cancel', clock.now(), { reason });
    });
    this.#components.onReleased();
    return ended;
  }

  async #sign(agreementId: string, by: Role, reason: Reason): Promise<Termination> {
    const { signer, clock } = this.#components;
    const unsigned = { agreementId, by, reason, at: clock.now() };
    return { ...unsigned, signature: await signer.sign('Termination', unsigned) };
  }

  #send(tx: Transaction, record: AgreementRecord, termination: Termination, messageId: string): void {
    const { signatures, agreement, role } = record;
    const signature = signatures[role];
    const body: TerminationMessage = { termination, ...(signature === undefined ? {} : { signature }) };
    tx.send({
      id: messageId,
      peerId: counterparty(record).peerId,
      protocol: MARKET_PROTOCOL,
      kind: KINDS.terminateAgreement,
      body,
      expiresAt: Math.max(agreement.expiresAt, this.#components.clock.now()) + DELIVERY_MS,
    });
  }

  async #terminateIn(
    tx: Transaction,
    record: AgreementRecord,
    termination: Termination,
  ): Promise<AgreementRecord> {
    await this.#components.slots?.release(tx, record.agreement.agreementId);
    return advance(tx, record, 'terminate', this.#components.clock.now(), { termination });
  }

  /** The other party has ended it. What is not known here, or has ended, needs nothing. */
  async #receive({ termination, signature }: TerminationMessage, sender: Sender): Promise<JsonValue> {
    const { store } = this.#components;
    const { agreementId } = termination;
    const record = await store.get(agreementBucket, agreementId);
    if (record === undefined) return { state: 'Unknown' };
    this.#checkSender(record, termination, sender);
    verifyTermination(record, termination, this.#components);
    if (signature !== undefined && record.state === 'Pending' && record.role === 'requestor') {
      verifyAgreementSignature(record.agreement, signature, record.agreement.provider, this.#components);
    }
    const ended = await store.transact((tx) => this.#receiveIn(tx, agreementId, termination, signature));
    this.#components.onReleased();
    return { state: ended.state };
  }

  async #receiveIn(
    tx: Transaction,
    agreementId: string,
    termination: Termination,
    signature: string | undefined,
  ): Promise<AgreementRecord> {
    const current = await tx.get(agreementBucket, agreementId);
    if (current === undefined) throw notFound(agreementId);
    const now = this.#components.clock.now();
    if (hasEnded(current.state)) return current;
    if (current.state === 'Approved') return this.#terminateIn(tx, current, termination);
    if (current.state === 'Pending' && current.role === 'requestor' && signature !== undefined) {
      // The news of its end came before that of its approval.
      const signatures = { ...current.signatures, provider: signature };
      return this.#terminateIn(
        tx,
        advance(tx, current, 'approve', now, { signatures, approvedAt: now }),
        termination,
      );
    }
    return advance(tx, current, 'cancel', now, { reason: termination.reason });
  }

  #checkSender(record: AgreementRecord, termination: Termination, sender: Sender): void {
    const other = counterparty(record);
    if (sender.address === other.address && sender.peerId === other.peerId && termination.by !== record.role)
      return;
    const { agreementId } = record.agreement;
    throw new MarketError(
      'ERR_MARKET_NOT_A_PARTY',
      `${sender.address} is not the other party of agreement ${agreementId}`,
      { agreementId },
    );
  }

  async #get(agreementId: string): Promise<AgreementRecord> {
    const record = await this.#components.store.get(agreementBucket, agreementId);
    if (record === undefined) throw notFound(agreementId);
    return record;
  }
}
