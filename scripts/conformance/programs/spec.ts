import type { Expectation } from '../case.ts';

/** A package of a public registry, by its exact version. */
export interface PackageName {
  readonly registry: 'npm' | 'pypi';
  readonly name: string;
  readonly version: string;
}

/** Text, or a file or directory of the package. A path that ends in `/` takes a directory, or an archive. */
export type ProgramInput = string | { readonly inPackage: string };

/** A program that somebody else has built and published, and a job for it that uses what makes it large. */
export interface ProgramSpec {
  readonly name: string;
  readonly package: PackageName;
  /** Where in the package it is. */
  readonly module: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** By their paths inside the activity. */
  readonly inputs?: Readonly<Record<string, ProgramInput>>;
  readonly expect: Expectation;
}
