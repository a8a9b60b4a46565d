import { FILTER_LIMITS } from './ast.ts';
import type { CompareOp, Filter, Term } from './ast.ts';
import { parseValue } from './parse-value.ts';
import { Scanner, isWhitespace, syntaxError } from './scanner.ts';

/*
 * The constraint language: LDAP filters (RFC 4515) over dotted property names.
 *
 *   filter    = ws [ component | term ] ws          ; nothing at all is true, as is "()"
 *   component = "(" ws body ws ")"
 *   body      = ""                                  ; true
 *             | "&" ws *( component ws )            ; true when empty
 *             | "|" ws *( component ws )            ; false when empty
 *             | "!" ws component
 *             | term
 *   term      = key ws op ws value
 *   key       = 1*256 keychar                       ; may end in @d, @v, @t
 *   keychar   = any character but whitespace and = < > ( ) * ! & |
 *   op        = "=" | "!=" | "<>" | ">" | ">=" | "<" | "<="
 *   value     = *( char | escape | "*" )            ; "*" only after "=", "!=", "<>"; whitespace around it is dropped
 *   char      = any character but ( ) * \
 *   escape    = "\" 2hexdigit                       ; one byte of UTF-8
 *             | "\" ( "(" | ")" | "*" | "\" )
 *   ws        = *( space | tab | CR | LF )
 */

/** Longer operators before their prefixes. */
const OPERATORS: readonly (readonly [token: string, op: CompareOp])[] = [
  ['!=', '!='], ['<>', '!='], ['>=', '>='], ['<=', '<='], ['=', '='], ['>', '>'], ['<', '<'],
]; // prettier-ignore

const NOT_IN_KEY = new Set('=<>()*!&|');

/**
 * Parses a filter.
 * @throws ConstraintError with the column and what was expected there; nothing else, whatever the text.
 * @example parseFilter('(&(golem.inf.mem.gib>=0.5)(golem.runtime.name=wasi))')
 */
export function parseFilter(text: string): Filter {
  if (text.length > FILTER_LIMITS.maxLength) {
    const expected = `at most ${FILTER_LIMITS.maxLength} characters`;
    throw syntaxError(text, FILTER_LIMITS.maxLength, expected, `expected ${expected}, found ${text.length}`);
  }
  return new Parser(text).parse();
}

class Parser {
  readonly #scanner: Scanner;
  #terms = 0;

  constructor(text: string) {
    this.#scanner = new Scanner(text);
  }

  parse(): Filter {
    const scanner = this.#scanner;
    scanner.skipWhitespace();
    if (scanner.peek() === '') return { kind: 'and', items: [] };
    const filter = scanner.peek() === '(' ? this.#component(1) : this.#term();
    scanner.skipWhitespace();
    if (scanner.peek() !== '') scanner.fail('the end of the filter (several terms go into one (&…))');
    return filter;
  }

  #component(depth: number): Filter {
    const scanner = this.#scanner;
    if (depth > FILTER_LIMITS.maxDepth)
      scanner.fail(`at most ${FILTER_LIMITS.maxDepth} levels of parentheses`);
    scanner.expect('(');
    scanner.skipWhitespace();
    const filter = this.#body(depth);
    scanner.skipWhitespace();
    scanner.expect(')');
    return filter;
  }

  #body(depth: number): Filter {
    const scanner = this.#scanner;
    if (scanner.peek() === ')') return { kind: 'and', items: [] };
    if (scanner.take('&')) return { kind: 'and', items: this.#components(depth) };
    if (scanner.take('|')) return { kind: 'or', items: this.#components(depth) };
    if (!scanner.take('!')) return this.#term();
    scanner.skipWhitespace();
    this.#count();
    return { kind: 'not', item: this.#component(depth + 1) };
  }

  #components(depth: number): Filter[] {
    const scanner = this.#scanner;
    const items: Filter[] = [];
    this.#count();
    scanner.skipWhitespace();
    while (scanner.peek() === '(') {
      items.push(this.#component(depth + 1));
      scanner.skipWhitespace();
    }
    if (scanner.peek() !== ')') scanner.fail("'(' or ')'");
    return items;
  }

  #term(): Term | Filter {
    this.#count();
    const key = this.#key();
    this.#scanner.skipWhitespace();
    const op = this.#operator();
    this.#scanner.skipWhitespace();
    return comparison(key, op, parseValue(this.#scanner, op === '=' || op === '!='));
  }

  #key(): string {
    const scanner = this.#scanner;
    const start = scanner.position;
    for (let char = scanner.peek(); char !== '' && !isKeyEnd(char); char = scanner.peek()) scanner.position++;
    const key = scanner.text.slice(start, scanner.position);
    if (key === '') scanner.fail("a property name, '&', '|' or '!'");
    if (key.length > FILTER_LIMITS.maxKeyLength) {
      scanner.fail(`a property name of at most ${FILTER_LIMITS.maxKeyLength} characters`, start);
    }
    return key;
  }

  #operator(): CompareOp {
    const found = OPERATORS.find(([token]) => this.#scanner.take(token));
    return found?.[1] ?? this.#scanner.fail('one of = != > >= < <=');
  }

  #count(): void {
    if (++this.#terms > FILTER_LIMITS.maxTerms) this.#scanner.fail(`at most ${FILTER_LIMITS.maxTerms} terms`);
  }
}

function isKeyEnd(char: string): boolean {
  return NOT_IN_KEY.has(char) || /\s/.test(char) || isWhitespace(char);
}

function comparison(key: string, op: CompareOp, parts: readonly string[]): Filter {
  const [first = '', ...rest] = parts;
  if (rest.length === 0) return { kind: 'compare', key, op, value: first };
  if (parts.every((part) => part === '')) {
    const present: Filter = { kind: 'present', key };
    return op === '!=' ? { kind: 'not', item: present } : present;
  }
  return { kind: 'wildcard', key, op: op === '!=' ? '!=' : '=', parts };
}
