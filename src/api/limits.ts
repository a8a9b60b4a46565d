/** Bounds of what the API takes from clients. */
export interface ApiLimits {
  /** The size of a JSON body. */
  readonly maxBodyBytes: number;
  /** An uploaded package or blob, and whatever else becomes a blob of this node's (`api.maxPackageBytes`). */
  readonly maxPackageBytes: number;
  /** Requests a minute from one address (`api.rateLimitPerMinute`). */
  readonly rateLimitPerMinute: number;
  readonly maxConnections: number;
  /** A request, its body included, must have arrived by then. */
  readonly requestTimeoutMs: number;
  readonly keepAliveTimeoutMs: number;
  /** How often a comment is sent on an event stream that is silent otherwise. */
  readonly pingIntervalMs: number;
  /** How often a log that is followed is looked at. */
  readonly logPollIntervalMs: number;
  /** How long POST /v1/agreements may take to find and sign one. */
  readonly negotiationTimeoutMs: number;
}

export const DEFAULT_LIMITS: ApiLimits = {
  maxBodyBytes: 4 * 1024 * 1024,
  maxPackageBytes: 4 * 1024 * 1024 * 1024,
  rateLimitPerMinute: 6000,
  maxConnections: 512,
  requestTimeoutMs: 10 * 60 * 1000,
  keepAliveTimeoutMs: 10_000,
  pingIntervalMs: 15_000,
  logPollIntervalMs: 100,
  negotiationTimeoutMs: 60_000,
};
