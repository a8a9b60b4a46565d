import type { AgreementRecord } from '../../../../interface/index.ts';
import { conflict, gone, notFound, timedOut } from '../errors.ts';
import { hold, type Wake } from '../hold.ts';
import type { YagnaContext } from '../init.ts';
import { agreementNoteBucket, approvalNoteBucket, type AgreementNote } from './records.ts';
import { isId } from '../is-id.ts';
import type { DemandBook } from './demand-book.ts';
import type { Negotiations } from './negotiations.ts';

/** How long `confirm` may take until the agreement is signed and on its way. */
const SIGNING_MS = 10_000;

type Context = Pick<
  YagnaContext,
  'store' | 'clock' | 'logger' | 'market' | 'newId' | 'events' | 'bills' | 'stopSignal'
>;

/** Agreements as clients make them: by hand, step by step. */
export class AgreementAdapter {
  readonly #context: Context;
  readonly #demands: DemandBook;
  readonly #negotiations: Negotiations;

  constructor(context: Context, demands: DemandBook, negotiations: Negotiations) {
    this.#context = context;
    this.#demands = demands;
    this.#negotiations = negotiations;
  }

  /** @throws YagnaError */
  async get(agreementId: string): Promise<AgreementRecord> {
    const record = isId(agreementId) ? await this.#context.market.get(agreementId) : undefined;
    if (record === undefined) throw notFound('agreement', agreementId);
    return record;
  }

  async note(agreementId: string): Promise<AgreementNote | undefined> {
    return isId(agreementId) ? this.#context.store.get(agreementNoteBucket, agreementId) : undefined;
  }

  async create(proposalId: string, validTo: number): Promise<string> {
    const { store, clock, newId, market, bills } = this.#context;
    if (validTo <= clock.now()) throw gone('validTo has passed already');
    const { demandId, marketOfferId, offer, demand, client } = await this.#ready(proposalId);
    const agreementId = newId();
    const note: AgreementNote = {
      agreementId,
      demandId,
      proposalId,
      marketOfferId,
      provider: offer.provider,
      client,
      ...platformOf(client.properties),
      validTo,
      createdAt: clock.now(),
    };
    // Before the provider hears of it: the client has the word on every bill.
    await bills.byHand(agreementId);
    await store.transact(async (tx) => tx.put(agreementNoteBucket, agreementId, note));
    await market.create({ agreementId, offer, demand, expiresAt: demand.expiresAt });
    await this.#negotiations.accepted(proposalId);
    return agreementId;
  }

  /** Returns once it is signed; the provider's answer comes in the background. */
  async confirm(agreementId: string, appSessionId: string | undefined): Promise<void> {
    const { store } = this.#context;
    const record = await this.get(agreementId);
    if (record.state !== 'Proposal') throw gone(`Agreement ${agreementId} is ${record.state}`);
    await store.transact(async (tx) => {
      const note = await tx.get(agreementNoteBucket, agreementId);
      if (note !== undefined && appSessionId !== undefined)
        tx.put(agreementNoteBucket, agreementId, { ...note, appSessionId });
    });
    void this.#drive(agreementId);
    const timeoutMs = SIGNING_MS;
    const isSigned = await hold(this.#context, { timeoutMs, wakes: [this.#wake(agreementId)] }, async () =>
      (await this.get(agreementId)).state === 'Proposal' ? undefined : true,
    );
    if (isSigned !== true) throw timedOut(`Agreement ${agreementId} is not signed yet`);
  }

  /** Returns when it is approved. @throws YagnaError: not yet (408), never (410) */
  async wait(agreementId: string, timeoutMs: number, signal: AbortSignal): Promise<void> {
    const settled = await hold(
      this.#context,
      { timeoutMs, wakes: [this.#wake(agreementId)], signal },
      async () => {
        const record = await this.get(agreementId);
        return record.state === 'Pending' ? undefined : record;
      },
    );
    if (settled === undefined) throw timedOut(`Agreement ${agreementId} is not approved yet`);
    if (settled.state === 'Approved') return;
    if (settled.state === 'Proposal') throw conflict(`Agreement ${agreementId} is not confirmed yet`);
    throw gone(`${settled.state}: ${settled.reason?.message ?? settled.termination?.reason.message ?? ''}`);
  }

  async terminate(agreementId: string, message: string, code?: string): Promise<void> {
    const record = await this.get(agreementId);
    if (record.state === 'Proposal' || record.state === 'Pending')
      throw conflict(`Agreement ${agreementId} is ${record.state} and cannot be terminated yet`);
    if (record.state !== 'Approved') throw gone(`${record.state}: agreement ${agreementId} has ended`);
    const detail = code === undefined ? {} : { detail: { code: code.slice(0, 1024) } };
    await this.#context.market.terminate(agreementId, {
      code: 'Finished',
      message: message.slice(0, 2048),
      ...detail,
    });
  }

  async cancel(agreementId: string, message: string): Promise<void> {
    const record = await this.get(agreementId);
    if (record.state !== 'Proposal' && record.state !== 'Pending')
      throw gone(`${record.state}: agreement ${agreementId} cannot be cancelled any more`);
    await this.#context.market.terminate(agreementId, { code: 'Cancelled', message: message.slice(0, 2048) });
  }

  async #ready(proposalId: string): ReturnType<Negotiations['ready']> {
    try {
      return await this.#negotiations.ready(proposalId);
    } catch (error) {
      const draft = await this.#negotiations.find(proposalId);
      if (draft !== undefined) this.#demands.failed(draft.demandId, draft.marketOfferId);
      throw error;
    }
  }

  async #drive(agreementId: string): Promise<void> {
    const { market, logger, stopSignal } = this.#context;
    const note = await this.note(agreementId);
    const fate = await market.confirm(agreementId, stopSignal).catch((err: unknown) => {
      logger.warn({ err, agreementId }, 'agreement not confirmed');
      return undefined;
    });
    if (note === undefined) return;
    const { demandId, marketOfferId } = note;
    if (fate?.state === 'Approved') this.#demands.used(demandId, marketOfferId);
    else this.#demands.failed(demandId, marketOfferId);
  }

  /** Of an offer by hand. @throws YagnaError 410 when it cannot be approved (any more) */
  async approve(agreementId: string, appSessionId: string | undefined): Promise<void> {
    const record = await this.#asked(agreementId);
    if (appSessionId !== undefined)
      await this.#context.store.transact(async (tx) => {
        await tx.get(approvalNoteBucket, agreementId);
        tx.put(approvalNoteBucket, agreementId, { appSessionId });
      });
    const { agreement } = record;
    if (agreement.approveBy <= this.#context.clock.now())
      throw gone(`Expired: agreement ${agreementId} had to be approved before`);
    const { state, reason } = await this.#context.market.approve(agreementId);
    if (state !== 'Approved') throw gone(`${state}: ${reason?.message ?? ''}`);
  }

  async reject(agreementId: string, message: string): Promise<void> {
    await this.#asked(agreementId);
    const reason = { code: 'Rejected', message: message.slice(0, 2048) };
    await this.#context.market.reject(agreementId, reason);
  }

  /** One that waits for this node's word as its provider. */
  async #asked(agreementId: string): Promise<AgreementRecord> {
    const record = await this.get(agreementId);
    if (record.role !== 'provider') throw notFound('agreement to be approved', agreementId);
    if (record.state !== 'Pending') throw gone(`${record.state}: agreement ${agreementId} waits for nothing`);
    return record;
  }

  #wake(agreementId: string): Wake {
    const { events } = this.#context;
    return (signal) => events.follow({ subject: agreementId, after: events.last() }, signal);
  }
}

function platformOf(properties: Readonly<Record<string, unknown>>): { platform?: string } {
  const chosen = properties['golem.com.payment.chosen-platform'];
  return typeof chosen === 'string' && /^[a-z0-9-]{1,64}$/.test(chosen) ? { platform: chosen } : {};
}
