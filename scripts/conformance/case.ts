/** Where the bytes of an input come from. */
export type Source =
  | { readonly text: string }
  | { readonly file: string }
  /** Goes in as an archive, so that empty directories do too; its path inside ends in `/`. */
  | { readonly directory: string };

export interface CaseInput {
  /** Inside the activity. */
  readonly path: string;
  readonly from: Source;
}

/** What a program has to write: exactly this, or text that has it somewhere. */
export type Expected = string | { readonly includes: readonly string[] };

export interface Expectation {
  readonly exitCode: number;
  readonly stdout?: Expected;
  readonly stderr?: Expected;
  /** Files that it leaves behind, by their paths inside. */
  readonly outputs?: Readonly<Record<string, Expected>>;
}

/** One program, how it is run, and what it has to do. */
export interface ConformanceCase {
  readonly name: string;
  /** The module or package. */
  readonly program: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly inputs: readonly CaseInput[];
  readonly expect: Expectation;
}

/** A case that is not run, and why. */
export interface LeftOut {
  readonly name: string;
  readonly leftOut: string;
}

export const isRun = (entry: ConformanceCase | LeftOut): entry is ConformanceCase => 'program' in entry;
export const isLeftOut = (entry: ConformanceCase | LeftOut): entry is LeftOut => !isRun(entry);
