import { runtimeErrors } from '../../runtimes/errors.ts';
import { activityErrors } from '../activity/errors.ts';
import { configErrors } from '../config/errors.ts';
import { identityErrors } from '../identity/errors.ts';
import { marketErrors } from '../market/errors.ts';
import { networkErrors } from '../network/errors.ts';
import { paymentErrors } from '../payment/errors.ts';
import { storeErrors } from '../store/errors.ts';
import { taskErrors } from '../task/errors.ts';
import { transferErrors } from '../transfer/errors.ts';
import { checkErrors } from '../util/check.ts';
import { vpnErrors } from '../vpn/errors.ts';
import { apiErrors } from './errors.ts';
import { yagnaErrors } from './rest/yagna/errors.ts';

const REMEDIES: ReadonlyMap<string, string> = new Map(
  [
    activityErrors,
    apiErrors,
    checkErrors,
    configErrors,
    identityErrors,
    marketErrors,
    networkErrors,
    paymentErrors,
    runtimeErrors,
    storeErrors,
    taskErrors,
    transferErrors,
    vpnErrors,
    yagnaErrors,
  ].flatMap((catalogue) => Object.entries(catalogue).map(([code, { remedy }]) => [code, remedy] as const)),
);

/** What to do about an error, from the catalogue of the part that it comes from. */
export function remedyOf(code: string): string | undefined {
  return REMEDIES.get(code);
}
