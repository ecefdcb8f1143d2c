/**
 * Statements cut into tokens, without knowing which database they are for. Nothing is thrown away but white space and
 * comments that no server executes; what cannot be read for certain is not read at all, so that whoever compares it fails closed (I12).
 */
export interface Token {
  /** `word`: a keyword, bare name or number. `name`: a quoted name. */
  readonly kind: 'word' | 'name' | 'string' | 'symbol';
  /** As it was written. */
  readonly text: string;
  /** What makes two tokens one: bare and backtick names without regard to case, everything else as it is. */
  readonly key: string;
  /** Parentheses and brackets around it. */
  readonly depth: number;
  /** White space or a comment stood before it. */
  readonly spaced: boolean;
}

interface Dialect {
  /** A backslash in a string keeps the next character from ending it. */
  readonly escapes: boolean;
  /** `#` begins a comment. */
  readonly hashComments: boolean;
  /** `--` begins a comment whatever follows it; elsewhere only before white space. */
  readonly dashComments: boolean;
  /** Block comments may stand in each other. */
  readonly nestedComments: boolean;
}

const MYSQL: Dialect = {
  escapes: true,
  hashComments: true,
  dashComments: false,
  nestedComments: false,
};

const POSTGRES: Dialect = {
  escapes: false,
  hashComments: false,
  dashComments: true,
  nestedComments: true,
};

/** Only where one of these occurs can the two dialects read a text differently. */
const AMBIGUOUS = /[\\#]|--|\/\*/;

/**
 * The tokens of a text, or null where they are not certain: nothing in the text says for which database it is, so both
 * readings have to agree, or only one of them may come out even.
 */
export function readTokens(text: string): readonly Token[] | null {
  const postgres = scan(text, POSTGRES);
  if (!AMBIGUOUS.test(text)) return postgres;
  const mysql = scan(text, MYSQL);
  if (postgres === null || mysql === null) return postgres ?? mysql;
  const isOne =
    postgres.length === mysql.length &&
    postgres.every((token, index) => token.key === mysql[index]?.key && token.kind === mysql[index]?.kind);
  return isOne ? postgres : null;
}

/** How tokens are shown: as they were written, with one space where there was any. */
export function textOf(tokens: readonly Token[]): string {
  return tokens.map(({ text, spaced }, index) => (spaced && index > 0 ? ` ${text}` : text)).join('');
}

/** What makes two runs of tokens one: a separator that no token holds keeps `a b` from being `ab`. */
export function keyOf(tokens: readonly Token[]): string {
  return tokens.map(({ kind, key }) => (kind === 'string' ? `'${key}` : key)).join('\u0001');
}

/** Cuts at a symbol that no parentheses enclose; what is between two of them may be empty. */
export function splitAt(tokens: readonly Token[], symbol: ',' | ';', depth = 0): readonly (readonly Token[])[] {
  const pieces: Token[][] = [[]];
  for (const token of tokens) {
    if (token.kind === 'symbol' && token.text === symbol && token.depth === depth) pieces.push([]);
    else pieces.at(-1)?.push(token);
  }
  return pieces;
}

const SPACE = /\s+/y;
/** Servers take every character beyond ASCII for a letter. */
const WORD = /(?:[\w@]|(?!\s)[^\0-\x7f])(?:[\w@$]|(?!\s)[^\0-\x7f])*/uy;
const DOLLAR_TAG = /\$(?:[\p{L}_][\p{L}\p{N}_]*)?\$/uy;

/** Null where a quote, a comment or a parenthesis has no end, or where conditional comments stand in each other. */
function scan(text: string, dialect: Dialect, isConditional = false): readonly Token[] | null {
  const tokens: Token[] = [];
  let depth = 0;
  let spaced = false;
  let at = 0;
  while (at < text.length) {
    const character = text.charAt(at);
    const skipped = lengthAt(SPACE, text, at) || commentLength(text, at, dialect);
    if (skipped === null) return null;
    if (skipped > 0) {
      const hidden = executedPart(text.slice(at, at + skipped));
      if (hidden !== null && isConditional) return null;
      const inside = hidden === null ? [] : scan(hidden, dialect, true);
      if (inside === null) return null;
      for (const token of inside) tokens.push({ ...token, depth: token.depth + depth, spaced: true });
      spaced = true;
      at += skipped;
      continue;
    }
    const token = quotedAt(text, at, spaced ? undefined : tokens.at(-1), dialect) ?? plainAt(text, at, dialect);
    if (token === null || token === 'endless') return null;
    if (character === ')' || character === ']') depth -= 1;
    if (depth < 0) return null;
    const prefix = token.joins === true ? tokens.pop() : undefined;
    tokens.push({ kind: token.kind, text: token.text, key: token.key, depth, spaced: prefix?.spaced ?? spaced });
    if (character === '(' || character === '[') depth += 1;
    spaced = false;
    at += token.length;
  }
  return depth === 0 ? tokens : null;
}

interface Piece extends Pick<Token, 'kind' | 'text' | 'key'> {
  readonly length: number;
  /** It takes the word before it along, as the `E` of `E'…'`. */
  readonly joins?: boolean;
}

/** A string or a quoted name; null where none begins. `before` is the token that it touches. */
function quotedAt(text: string, at: number, before: Token | undefined, dialect: Dialect): Piece | 'endless' | null {
  const quote = text.charAt(at);
  if (quote === '$') {
    const tag = text.slice(at, at + lengthAt(DOLLAR_TAG, text, at));
    if (tag === '') return null;
    const end = text.indexOf(tag, at + tag.length);
    if (end < 0) return 'endless';
    const whole = text.slice(at, end + tag.length);
    return { kind: 'string', text: whole, key: whole, length: whole.length };
  }
  if (quote !== "'" && quote !== '"' && quote !== '`') return null;
  const prefix = quote === "'" && before?.kind === 'word' && /^(?:e|b|x|n|_\w+)$/i.test(before.text) ? before.text : '';
  const escapes = quote !== '`' && (dialect.escapes || prefix.toLowerCase() === 'e');
  const end = endOfQuote(text, at, escapes);
  if (end === null) return 'endless';
  const whole = text.slice(at, end);
  const content = whole.slice(1, -1).replaceAll(quote + quote, quote);
  if (quote === "'")
    return { kind: 'string', text: prefix + whole, key: prefix + whole, length: whole.length, joins: prefix !== '' };
  return { kind: 'name', text: whole, key: quote === '`' ? content.toLowerCase() : content, length: whole.length };
}

/** Where a quoted text ends, or null if it does not. */
function endOfQuote(text: string, at: number, escapes: boolean): number | null {
  const quote = text.charAt(at);
  for (let index = at + 1; index < text.length; index += 1) {
    const character = text.charAt(index);
    if (character === '\\' && escapes) index += 1;
    else if (character === quote && text.charAt(index + 1) === quote) index += 1;
    else if (character === quote) return index + 1;
  }
  return null;
}

function plainAt(text: string, at: number, { hashComments }: Dialect): Piece | null {
  const word = text.slice(at, at + lengthAt(WORD, text, at));
  if (word !== '') return { kind: 'word', text: word, key: word.toLowerCase(), length: word.length };
  const symbol = text.charAt(at);
  // No dialect knows a backslash outside of quotes, so that the other one cut the string before it where it ends.
  if (symbol === '\\') return null;
  // In MySQL a `#` that is here was not taken for a comment, which cannot be.
  return symbol === '#' && hashComments ? null : { kind: 'symbol', text: symbol, key: symbol, length: 1 };
}

/** Length of the comment that begins here, 0 for none, null for one without an end or one that may be none. */
function commentLength(text: string, at: number, dialect: Dialect): number | null {
  if (text.startsWith('/*', at)) return blockLength(text, at, dialect.nestedComments);
  const isHash = dialect.hashComments && text.charAt(at) === '#';
  const isDash = text.startsWith('--', at) && (dialect.dashComments || /^(?:\s|$)/.test(text.charAt(at + 2)));
  if (!isHash && !isDash) return 0;
  const end = text.indexOf('\n', at);
  return (end < 0 ? text.length : end) - at;
}

function blockLength(text: string, at: number, nested: boolean): number | null {
  let depth = 0;
  for (let index = at; index < text.length; index += 1) {
    if (text.startsWith('*/', index)) {
      depth -= 1;
      index += 1;
      if (depth === 0) return index + 1 - at;
    } else if (text.startsWith('/*', index) && (nested || depth === 0)) {
      depth += 1;
      index += 1;
    }
  }
  return null;
}

/**
 * What a conditional comment holds, null for an ordinary one: the servers that it is for execute it, so it is part of the
 * statement.
 */
function executedPart(comment: string): string | null {
  return /^\/\*M?!\d*([\s\S]*)\*\/$/.exec(comment)?.[1] ?? null;
}

function lengthAt(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0].length ?? 0;
}
