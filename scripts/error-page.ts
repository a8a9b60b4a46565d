import { activityErrors } from '../src/activity/errors.ts';
import { apiErrors } from '../src/api/errors.ts';
import { yagnaErrors } from '../src/api/rest/yagna/errors.ts';
import { problemStatus } from '../src/api/problem-status.ts';
import { cliErrors } from '../src/cli/errors.ts';
import { configErrors } from '../src/config/errors.ts';
import { exeUnitErrors } from '../src/exe-unit/errors.ts';
import { identityErrors } from '../src/identity/errors.ts';
import type { ErrorCatalogue } from '../src/interface/index.ts';
import { marketErrors } from '../src/market/errors.ts';
import { networkErrors } from '../src/network/errors.ts';
import { paymentErrors } from '../src/payment/errors.ts';
import { storeErrors } from '../src/store/errors.ts';
import { taskErrors } from '../src/task/errors.ts';
import { archiveErrors } from '../src/transfer/archive/errors.ts';
import { transferErrors } from '../src/transfer/errors.ts';
import { checkErrors } from '../src/util/check.ts';
import { safePathErrors } from '../src/util/safe-path.ts';
import { vpnErrors } from '../src/vpn/errors.ts';
import { runtimeErrors } from '../runtimes/errors.ts';

/** Every code of every area, under the heading of docs/errors.md. */
export const CATALOGUES: Readonly<Record<string, ErrorCatalogue>> = {
  'REST API': apiErrors,
  'Yagna-compatible API': yagnaErrors,
  'Values from outside': checkErrors,
  Tasks: taskErrors,
  Market: marketErrors,
  Activities: activityErrors,
  ExeUnits: exeUnitErrors,
  Runtimes: runtimeErrors,
  'Paths inside an activity': safePathErrors,
  Archives: archiveErrors,
  Transfer: transferErrors,
  'Networks between activities': vpnErrors,
  Payment: paymentErrors,
  Identity: identityErrors,
  Network: networkErrors,
  Store: storeErrors,
  Configuration: configErrors,
  'Command line': cliErrors,
};

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

/** docs/errors.md as it must read. */
export function errorPage(): string {
  const areas = Object.entries(CATALOGUES).map(([area, catalogue]) => {
    const rows = Object.entries(catalogue).map(
      ([code, { meaning, remedy }]) =>
        `| \`${code}\` | ${problemStatus(code) ?? 500} | ${cell(meaning)} | ${cell(remedy)} |`,
    );
    return [
      `## ${area}`,
      '',
      '| code | HTTP | meaning | what to do |',
      '| --- | --- | --- | --- |',
      ...rows,
      '',
    ].join('\n');
  });
  return [
    '# Error codes',
    '',
    'Every error that leaves a part of Ergon carries one of these codes: in the `code` of a problem+json answer, in a',
    'log line, in the `--json` output of the CLI. Codes are stable; messages are not. `HTTP` is the status when the error',
    'reaches a REST client (500: it is a fault of the node, and the answer shows no more than that).',
    '',
    'Made by `node scripts/write-error-docs.ts` from the catalogues in the code.',
    '',
    ...areas,
  ].join('\n');
}
