/** Numbers between dots, then the pre-release identifiers. Build metadata after `+` does not order. */
export interface Version {
  readonly numbers: readonly bigint[];
  readonly prerelease: readonly string[];
}

const VERSION =
  /^v?(\d{1,20}(?:\.\d{1,20}){0,7})(?:-([0-9A-Za-z-]{1,64}(?:\.[0-9A-Za-z-]{1,64}){0,15}))?(?:\+[0-9A-Za-z.-]{1,128})?$/;

/** Semantic versions, and shorter or longer dotted numbers: `1.2` is `1.2.0`. */
export function parseVersion(text: string): Version | undefined {
  const match = VERSION.exec(text);
  if (match?.[1] === undefined) return undefined;
  return { numbers: match[1].split('.').map(BigInt), prerelease: match[2]?.split('.') ?? [] };
}

/** Order of https://semver.org/#spec-item-11. */
export function compareVersions(a: Version, b: Version): number {
  for (let i = 0; i < Math.max(a.numbers.length, b.numbers.length); i++) {
    const left = a.numbers[i] ?? 0n;
    const right = b.numbers[i] ?? 0n;
    if (left !== right) return left < right ? -1 : 1;
  }
  if (a.prerelease.length === 0 || b.prerelease.length === 0) {
    return Math.sign(b.prerelease.length - a.prerelease.length);
  }
  for (let i = 0; i < Math.min(a.prerelease.length, b.prerelease.length); i++) {
    const order = compareIdentifiers(a.prerelease[i] ?? '', b.prerelease[i] ?? '');
    if (order !== 0) return order;
  }
  return Math.sign(a.prerelease.length - b.prerelease.length);
}

function compareIdentifiers(a: string, b: string): number {
  const numericA = /^\d+$/.test(a);
  const numericB = /^\d+$/.test(b);
  if (numericA !== numericB) return numericA ? -1 : 1;
  if (numericA) {
    const left = BigInt(a);
    const right = BigInt(b);
    return left < right ? -1 : left > right ? 1 : 0;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}
