/**
 * Where an answer is not what Yagna's specifications say, and why it stays so. test/e2e/yagna holds real answers against
 * the specifications: it fails for a deviation that is not here, and for one here that it does not meet.
 */
export interface Deviation {
  /** Paths of the specification, `METHOD /path`; `*` stands for whatever, in a segment or for all of it. */
  readonly route: string;
  readonly status: number;
  /** What differs: `status` for one that the specification does not name, else where in the body and how. */
  readonly what: string;
  readonly reason: string;
}

export const DEVIATIONS: readonly Deviation[] = [
  {
    route: '* /activity-api/v1/*',
    status: 401,
    what: 'status',
    reason: 'The specification does not say what a bad key is answered; everywhere else it says this',
  },
  { route: '*', status: 501, what: 'status', reason: 'The path is not served; below stands why' },
  {
    route: 'POST /market-api/v1/demands/*/proposals/*',
    status: 200,
    what: 'status',
    reason: 'What Yagna itself answers to a counter-proposal',
  },
  {
    route: 'POST /market-api/v1/agreements/*/terminate',
    status: 200,
    what: 'status',
    reason: 'What Yagna itself answers',
  },
  {
    route: 'GET /activity-api/v1/activity/*/exec/*',
    status: 408,
    what: 'status',
    reason: 'A command that was asked for has not finished: what clients wait for',
  },
  {
    route: 'GET /payment-api/v1/*/payments',
    status: 404,
    what: 'status',
    reason: 'There is no such bill, which is something else than a bill without payments',
  },
  {
    route: 'GET /payment-api/v1/allocations/*',
    status: 410,
    what: 'status',
    reason: 'It was there and was released, or its time is up',
  },
  {
    route: 'GET /payment-api/v1/*Events',
    status: 400,
    what: 'status',
    reason: 'A query that makes no sense is refused, not taken for another one',
  },
  {
    route: 'GET /payment-api/v1/debitNotes/*',
    status: 200,
    what: '/usageCounterVector must be object',
    reason:
      "A list in the order of the agreement's counters: what Yagna itself answers, and what clients read",
  },
  {
    route: 'GET /payment-api/v1/debitNotes',
    status: 200,
    what: '/*/usageCounterVector must be object',
    reason: 'The same',
  },
];

export function covers({ route, status, what }: Deviation, found: Omit<Deviation, 'reason'>): boolean {
  return status === found.status && what === found.what && patternOf(route).test(found.route);
}

function patternOf(route: string): RegExp {
  const escaped = route.replace(/[.{}/]/g, '\\$&').replaceAll('*', '.*');
  return new RegExp(`^${escaped}$`);
}
