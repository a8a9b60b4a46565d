import { describe, expect, it } from 'vitest';
import { BILL_STATES, type BillState } from '../../../src/interface/payment.ts';
import { BILL_COMMANDS, may, transition, type BillCommand } from '../../../src/payment/machine.ts';

/** The whole grid; what is not named is refused. */
const GRID: Record<BillState, Partial<Record<BillCommand, BillState>>> = {
  Issued: {
    receive: 'Received',
    accept: 'Accepted',
    reject: 'Rejected',
    cancel: 'Cancelled',
    settle: 'Settled',
    fail: 'Failed',
  },
  Received: {
    accept: 'Accepted',
    reject: 'Rejected',
    cancel: 'Cancelled',
    settle: 'Settled',
    fail: 'Failed',
  },
  Accepted: { settle: 'Settled', fail: 'Failed' },
  Rejected: {},
  Cancelled: {},
  Settled: {},
  Failed: { accept: 'Accepted', reject: 'Rejected', cancel: 'Cancelled', settle: 'Settled' },
};

describe('the life of a bill', () => {
  for (const state of BILL_STATES) {
    for (const command of BILL_COMMANDS) {
      const to = GRID[state][command];
      it(`${state} ${to === undefined ? 'refuses' : `becomes ${to} by`} ${command}`, () => {
        expect(may(state, command)).toBe(to !== undefined);
        if (to !== undefined) expect(transition(state, command)).toBe(to);
        else
          expect(() => transition(state, command)).toThrow(
            expect.objectContaining({ code: 'ERR_PAYMENT_STATE', detail: { state, command } }),
          );
      });
    }
  }
});
