import type { AgreementState } from '../../interface/market.ts';
import { MarketError } from '../errors.ts';

export const AGREEMENT_COMMANDS = ['propose', 'approve', 'reject', 'cancel', 'expire', 'terminate'] as const;
export type AgreementCommand = (typeof AGREEMENT_COMMANDS)[number];

/**
 * The life of an agreement, the same in both parties' books.
 *
 *   Proposal ──propose──► Pending ──approve──► Approved ──terminate──► Terminated
 *      │                     │
 *      ├──cancel──► Cancelled ◄──cancel──┤
 *      ├──expire──► Expired   ◄──expire──┤
 *      └──reject──► Rejected  ◄──reject──┘
 *
 * Proposal: made, not sent (at the provider: arrived, not decided on). Pending: sent, not answered.
 */
export const AGREEMENT_TRANSITIONS: Readonly<
  Record<AgreementState, Partial<Record<AgreementCommand, AgreementState>>>
> = {
  Proposal: { propose: 'Pending', reject: 'Rejected', cancel: 'Cancelled', expire: 'Expired' },
  Pending: { approve: 'Approved', reject: 'Rejected', cancel: 'Cancelled', expire: 'Expired' },
  Approved: { terminate: 'Terminated' },
  Terminated: {},
  Rejected: {},
  Cancelled: {},
  Expired: {},
};

/** The state that follows; throws ERR_MARKET_AGREEMENT_STATE and changes nothing for a command that the state does not know. */
export function nextState(
  state: AgreementState,
  command: AgreementCommand,
  agreementId: string,
): AgreementState {
  const next = AGREEMENT_TRANSITIONS[state][command];
  if (next === undefined) {
    throw new MarketError(
      'ERR_MARKET_AGREEMENT_STATE',
      `Agreement ${agreementId} is ${state}: it cannot ${command}`,
      {
        agreementId,
        state,
        command,
      },
    );
  }
  return next;
}

/** Whether an agreement is in a state that it never leaves. */
export function hasEnded(state: AgreementState): boolean {
  return Object.keys(AGREEMENT_TRANSITIONS[state]).length === 0;
}
