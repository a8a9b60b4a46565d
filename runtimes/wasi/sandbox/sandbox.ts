import type { CodeLayout } from './layout.ts';

/** From the strongest to the weakest. */
export const SANDBOX_NAMES = ['bubblewrap', 'setpriv', 'permission'] as const;
export type SandboxName = (typeof SANDBOX_NAMES)[number];

/** What one runner may see. */
export interface SandboxView {
  /** Host directory with the prepared module in it; read-only inside. */
  readonly moduleDir: string;
  readonly directories: readonly { readonly hostPath: string; readonly readOnly: boolean }[];
}

/** All that a sandbox needs to know to start a runner. */
export interface SandboxPlan extends SandboxView {
  readonly code: CodeLayout;
  /** Flags of node and V8. */
  readonly nodeFlags: readonly string[];
}

/** How to start a runner. */
export interface SandboxCommand {
  readonly file: string;
  readonly args: readonly string[];
  /** A system-call filter, which the command reads from descriptor SECCOMP_FD. */
  readonly seccomp?: Buffer;
}

/** By which names a runner knows what it was given. */
export interface InsideNames {
  readonly moduleDir: string;
  /** In the order of the plan's. */
  readonly directories: readonly string[];
}

/** After those of the runner. */
export const SECCOMP_FD = 8;

/** One way to confine a runner. */
export interface Sandbox {
  readonly name: SandboxName;
  /** What it lacks against the one above it; for people. */
  readonly weakness?: string;
  /** @throws RuntimeError ERR_RUNTIME_UNAVAILABLE when a program that it needs is not installed */
  command(plan: SandboxPlan): SandboxCommand;
  /** `view` as it is now: a directory that was renamed since the start may have a new name inside too. */
  names(view: SandboxView): InsideNames;
}
