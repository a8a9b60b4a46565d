import type { BillDecision } from '../../interface/payment.ts';
import type { Reason } from '../../interface/values.ts';
import type { PaymentContext } from '../context.ts';

/** Signs an acceptance, or with a reason a rejection. */
export async function signDecision(
  context: Pick<PaymentContext, 'signer' | 'clock'>,
  kind: 'DebitNoteDecision' | 'InvoiceDecision',
  bill: { billId: string; amount: string },
  reason: Reason | undefined,
): Promise<BillDecision> {
  const decision = {
    ...bill,
    decision: reason === undefined ? ('Accepted' as const) : ('Rejected' as const),
    ...(reason === undefined ? {} : { reason }),
    at: context.clock.now(),
  };
  return { ...decision, signature: await context.signer.sign(kind, decision) };
}
