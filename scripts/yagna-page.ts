import { readFileSync } from 'node:fs';
import { NOT_IMPLEMENTED } from '../src/api/rest/yagna/index.ts';
import { DEVIATIONS } from './yagna-deviations.ts';
import type { YagnaContract } from './yagna-contract.ts';

/** Every path of Yagna's specifications, as `GET /market-api/v1/…`. */
export function yagnaPaths(): string[] {
  const file = new URL('../test/fixtures/yagna/contract.json', import.meta.url);
  return Object.keys((JSON.parse(readFileSync(file, 'utf8')) as YagnaContract).routes);
}

/** Why a path is not served; undefined for one that is. */
export function whyMissing(route: string): string | undefined {
  const plain = (path: string): string => path.replace(/\{[^}]+\}|:[A-Za-z]+/g, '*');
  return NOT_IMPLEMENTED.find(({ method, path }) => plain(`${method} ${path}`) === plain(route))?.reason;
}

/** docs/yagna-compatibility.md as it must read. */
export function yagnaPage(): string {
  const rows = yagnaPaths().map((route) => {
    const [method = '', path = ''] = route.split(' ');
    const reason = whyMissing(route);
    return `| ${method} | \`${path}\` | ${reason === undefined ? 'yes' : '501'} | ${reason ?? ''} |`;
  });
  return [
    '# The Yagna-compatible API',
    '',
    '<!-- Written by scripts/write-yagna-docs.ts from the paths of the specifications. -->',
    '',
    'Programs for `@golem-sdk/golem-js` run unmodified: set `YAGNA_API_URL` to the address of the REST API,',
    '`YAGNA_APPKEY` to an app-key with the scope `requestor`, and `GOLEM_REGISTRY_URL` to the same address, which',
    'answers for image tags. The section `yagna` of the configuration says which payment platform, runtime and image a',
    'name stands for; an image tag that it does not name is one of an uploaded package (`ergon package add`), or of the',
    'Docker engine of this machine. Beside what stands below, `/gsb-api/v1/services` with its websocket (file transfer)',
    'and `/v1/image/info` are served. In a browser, give the program an app-key of its own, made with `--cors-origin`.',
    '',
    '## Where it differs',
    '',
    '- A command that fails leaves the activity in the state where it was, and the batch ends there.',
    '- Batches of one activity wait for each other; in Yagna the second one fails as busy.',
    '- An agreement holds the memory, disk and threads that its demand asked for as lower bounds, not the whole machine.',
    '- An offer that is published by hand (`POST /market-api/v1/offers`, with an app-key of the scope `provider`) is one of',
    '  this node: its program sets prices, constraints and properties of its own, decides on each proposal and agreement, and',
    '  may offer less than the machine has. What the machine has, which runtimes and which account, is for the node to say:',
    '  an offer of anything else is refused. The policies and the mode of the node hold for it as for all its offers, and the',
    '  node runs, meters and bills what was agreed on; `CreateActivity` and `DestroyActivity` tell the program of it.',
    '- `cancel` of a bill takes effect once the requestor has let go of it undecided; in Yagna it does nothing.',
    '- A bill that was rejected stays rejected, since the rejection is signed; in Yagna it can still be accepted. A debit',
    '  note that an invoice sums up is not rejected any more (400) while that invoice waits to be decided on: an invoice of',
    '  rejected notes could not be accepted. What is decided on then is the invoice.',
    '- An allocation with a `deposit` is refused: bills are paid out of the account of this node, never of another one.',
    '- Task packages and files are brought to the requestor, which hands them to its provider as blobs.',
    '- In a network, the requestor takes part by TCP connections only: packets to its own address are answered by nothing',
    '  (docs/network.md).',
    '- The volumes that a `deploy` asks for are directories of the one disk whose size is agreed on, whatever size or kind',
    '  each is given; none can be at `/`.',
    '- An invoice comes when the agreement has ended and the last notes are decided, or have been left undecided for five',
    '  seconds; accepting it accepts them.',
    '- `DELETE /market-api/v1/scan/{id}` ends a scan as clients do it, beside the path of the specification.',
    '',
    '## Where an answer is not what the specification says',
    '',
    'A test holds the answers of real nodes against the specifications: it fails for a difference that is not in this table,',
    'and for one that is and does not happen. `*` stands for whatever.',
    '',
    '| path | status | what differs | why |',
    '| --- | --- | --- | --- |',
    ...DEVIATIONS.map(
      ({ route, status, what, reason }) => `| \`${route}\` | ${status} | ${what} | ${reason} |`,
    ),
    '',
    '## Paths',
    '',
    '| method | path | served | why not |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}
