import { ConstraintError } from '../errors.ts';

const WHITESPACE = new Set([' ', '\t', '\n', '\r']);
const SNIPPET_RADIUS = 40;

/** Whether the language of constraints passes over this character. */
export function isWhitespace(char: string): boolean {
  return WHITESPACE.has(char);
}

/** A position in the text, and the one way to complain about it. */
export class Scanner {
  readonly text: string;
  position = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The character at the position; '' at the end. */
  peek(ahead = 0): string {
    return this.text.charAt(this.position + ahead);
  }

  skipWhitespace(): void {
    while (isWhitespace(this.peek())) this.position++;
  }

  /** Steps over `token` when it stands here. */
  take(token: string): boolean {
    if (!this.text.startsWith(token, this.position)) return false;
    this.position += token.length;
    return true;
  }

  expect(token: string): void {
    if (!this.take(token)) this.fail(`'${token}'`);
  }

  /** Throws a ConstraintError for the character at `at`. */
  fail(expected: string, at = this.position): never {
    const found = at >= this.text.length ? 'the end' : JSON.stringify(this.text.charAt(at));
    throw syntaxError(this.text, at, expected, `expected ${expected}, found ${found}`);
  }
}

/** Message, then the surroundings of the place on one line, then a caret under it. */
export function syntaxError(text: string, at: number, expected: string, problem: string): ConstraintError {
  const from = Math.max(0, at - SNIPPET_RADIUS);
  const snippet = text.slice(from, at + SNIPPET_RADIUS).replace(/\s/g, ' ');
  const caret = `${' '.repeat(at - from)}^`;
  const column = at + 1;
  return new ConstraintError(`Constraint filter, column ${column}: ${problem}\n${snippet}\n${caret}`, {
    column,
    expected,
  });
}
