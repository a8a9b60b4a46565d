/** Something with a life: started in dependency order, stopped in reverse. */
export interface Startable {
  start(): Promise<void>;
  /** Idempotent; awaits work in flight. */
  stop(): Promise<void>;
}
