/**
 * Matches a slash-separated path against a glob: `*` and `?` within a name, `**` over any number of names, `[a-z]`
 * and `[!a-z]`, `{a,b}`. Patterns come from strangers, so matching takes at most pattern × path steps: no regular
 * expression, no backtracking.
 */
export function matchesGlob(pattern: string, path: string): boolean {
  const names = path.split('/');
  return expandBraces(pattern).some((one) => matchesNames(one.split('/').filter(Boolean), names));
}

const MAX_ALTERNATIVES = 64;

/** `a{b,c}d` as `abd` and `acd`. What is beyond the bound, or not closed, stays as it is written. */
function expandBraces(pattern: string): string[] {
  let open = [pattern];
  const done: string[] = [];
  while (open.length > 0 && open.length + done.length <= MAX_ALTERNATIVES) {
    const next: string[] = [];
    for (const one of open) {
      const found = /\{([^{}]*)\}/.exec(one);
      if (found === null) done.push(one);
      else {
        const before = one.slice(0, found.index);
        const after = one.slice(found.index + found[0].length);
        next.push(...(found[1] ?? '').split(',').map((choice) => before + choice + after));
      }
    }
    open = next;
  }
  return [...done, ...open].slice(0, MAX_ALTERNATIVES);
}

/** Which prefixes of the names the pattern so far matches: one row of the table for each part of the pattern. */
function matchesNames(parts: readonly string[], names: readonly string[]): boolean {
  let reached = [true, ...names.map(() => false)];
  for (const part of parts) {
    const next = names.map(() => false);
    const row = [part === '**' && reached[0] === true, ...next];
    names.forEach((name, index) => {
      row[index + 1] =
        part === '**'
          ? reached[index + 1] === true || row[index] === true
          : reached[index] === true && matchesName(part, name);
    });
    reached = row;
  }
  return reached[names.length] === true;
}

/** The same table for one name, character by character. */
function matchesName(pattern: string, name: string): boolean {
  const characters = Array.from(name);
  let reached = [true, ...characters.map(() => false)];
  for (const token of tokensOf(pattern)) {
    const row = [token === '*' && reached[0] === true, ...characters.map(() => false)];
    characters.forEach((character, index) => {
      row[index + 1] =
        token === '*'
          ? reached[index + 1] === true || row[index] === true
          : reached[index] === true && token(character);
    });
    reached = row;
  }
  return reached[characters.length] === true;
}

type Token = '*' | ((character: string) => boolean);

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (const [text] of pattern.matchAll(/\\.|\[!?\]?[^\]]*\]|[^]/gu)) {
    if (text === '*') tokens.push('*');
    else if (text === '?') tokens.push(() => true);
    else if (text.length > 2 && text.startsWith('[')) tokens.push(inClass(text.slice(1, -1)));
    else tokens.push(equals(text.length > 1 && text.startsWith('\\') ? text.slice(1) : text));
  }
  return tokens;
}

const equals =
  (expected: string): Token =>
  (character) =>
    character === expected;

function inClass(body: string): Token {
  const negated = body.startsWith('!');
  const ranges = [...(negated ? body.slice(1) : body).matchAll(/([^])-([^])|([^])/gu)].map(
    ([, from, to, single]) => [from ?? single ?? '', to ?? single ?? ''] as const,
  );
  return (character) => ranges.some(([from, to]) => from <= character && character <= to) !== negated;
}
