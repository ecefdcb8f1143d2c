import type { Token } from './sql-token.js';

/** Reads tokens from left to right. */
export class Cursor {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get next(): Token | undefined {
    return this.#tokens[this.#at];
  }

  get rest(): readonly Token[] {
    return this.#tokens.slice(this.#at);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#tokens.length;
  }

  /** Whether the next token is one of these words; a quoted name never is. */
  sees(...words: readonly string[]): boolean {
    const { next } = this;
    return next?.kind === 'word' && words.includes(next.key);
  }

  /** Takes these words if they come next, in this order; takes nothing otherwise. */
  takes(...words: readonly string[]): boolean {
    const isNext = words.every((word, index) => isWord(this.#tokens[this.#at + index], word));
    if (isNext) this.#at += words.length;
    return isNext;
  }

  /** Takes any number of these words. */
  skips(...words: readonly string[]): void {
    while (this.sees(...words)) this.#at += 1;
  }

  takesSymbol(symbol: string): boolean {
    const isNext = this.next?.kind === 'symbol' && this.next.text === symbol;
    if (isNext) this.#at += 1;
    return isNext;
  }

  ifExists(): void {
    if (!this.takes('if', 'exists')) this.takes('if', 'not', 'exists');
  }

  advance(): void {
    this.#at += 1;
  }

  /** A name, quoted or bare; null where none comes next. */
  name(): Token | null {
    const { next } = this;
    if (next === undefined || (next.kind !== 'word' && next.kind !== 'name')) return null;
    this.#at += 1;
    return next;
  }

  /** A name with what qualifies it, the outermost first; empty where none comes next. */
  qualifiedName(): readonly Token[] {
    const names: Token[] = [];
    do {
      const name = this.name();
      if (name === null) return [];
      names.push(name);
    } while (this.takesSymbol('.'));
    return names;
  }
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.kind === 'word' && token.key === word;
}
