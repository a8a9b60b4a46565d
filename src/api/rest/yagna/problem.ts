import { isErgonError } from '../../../interface/index.ts';
import { publicError } from '../../problem.ts';

/** Where Yagna's clients expect another status than ours. */
const OTHER: Readonly<Record<string, number>> = {
  ERR_PAYMENT_ALLOCATION_NOT_FOUND: 400,
  ERR_PAYMENT_ALLOCATION_RELEASED: 410,
  ERR_PAYMENT_REFUSED: 400,
  ERR_PAYMENT_INVOICED: 400,
  ERR_PAYMENT_PLATFORM: 400,
  ERR_MARKET_TERMS: 400,
  ERR_ACTIVITY_AGREEMENT_NOT_FOUND: 404,
};

/** Status and message of whatever went wrong; what was not foreseen shows nothing of its cause. */
export function yagnaProblem(error: unknown): { status: number; message: string } {
  const { error: shown, status } = publicError(error);
  const other = isErgonError(error) ? OTHER[error.code] : undefined;
  return { status: other ?? status, message: shown.message };
}
