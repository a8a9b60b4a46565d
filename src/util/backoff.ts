export interface BackoffInit {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Growth per attempt. Default 2. */
  readonly factor?: number;
}

/**
 * How long to wait before retry number `attempt` (from 1): exponential with full upper-half jitter, so that many
 * waiters of one peer do not come back at the same instant.
 */
export function backoffMs(init: BackoffInit, attempt: number, random: () => number = Math.random): number {
  const exponent = Math.min(Math.max(attempt, 1) - 1, 64);
  const ceiling = Math.min(init.maxMs, init.firstMs * (init.factor ?? 2) ** exponent);
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
