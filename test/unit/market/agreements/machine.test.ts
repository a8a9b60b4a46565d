import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgreementState } from '../../../../src/interface/market.ts';
import {
  AGREEMENT_COMMANDS,
  AGREEMENT_TRANSITIONS,
  hasEnded,
  nextState,
} from '../../../../src/market/agreements/machine.ts';

const STATES = Object.keys(AGREEMENT_TRANSITIONS) as AgreementState[];
const GRID: Readonly<Record<AgreementState, readonly (AgreementState | undefined)[]>> = {
  //           propose    approve     reject      cancel       expire     terminate
  Proposal: ['Pending', undefined, 'Rejected', 'Cancelled', 'Expired', undefined],
  Pending: [undefined, 'Approved', 'Rejected', 'Cancelled', 'Expired', undefined],
  Approved: [undefined, undefined, undefined, undefined, undefined, 'Terminated'],
  Terminated: [undefined, undefined, undefined, undefined, undefined, undefined],
  Rejected: [undefined, undefined, undefined, undefined, undefined, undefined],
  Cancelled: [undefined, undefined, undefined, undefined, undefined, undefined],
  Expired: [undefined, undefined, undefined, undefined, undefined, undefined],
};

describe('the life of an agreement', () => {
  it.each(
    STATES.flatMap((state) =>
      AGREEMENT_COMMANDS.map((command, index) => [state, command, GRID[state][index]] as const),
    ),
  )('%s, %s: %s', (state, command, expected) => {
    if (expected !== undefined) expect(nextState(state, command, 'a1')).toBe(expected);
    else
      expect(() => nextState(state, command, 'a1')).toThrow(
        expect.objectContaining({
          code: 'ERR_MARKET_AGREEMENT_STATE',
          detail: { agreementId: 'a1', state, command },
        }),
      );
  });

  it('never leaves an end, and reaches Terminated only by way of Approved', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...AGREEMENT_COMMANDS), { maxLength: 12 }), (commands) => {
        let state: AgreementState = 'Proposal';
        const seen: AgreementState[] = [state];
        for (const command of commands) {
          const before = state;
          try {
            state = nextState(state, command, 'a1');
            expect(hasEnded(before)).toBe(false);
            seen.push(state);
          } catch {
            expect(state).toBe(before);
          }
        }
        if (state === 'Terminated') expect(seen).toEqual(['Proposal', 'Pending', 'Approved', 'Terminated']);
      }),
    );
  });
});
