import { randomBytes } from 'node:crypto';

/** Crockford's alphabet in lower case: no letter that reads like a digit. */
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';

/** Eight random base32 characters: forty bits, so that two applies of one database practically never meet. */
export function randomSuffix(): string {
  return Array.from(randomBytes(8), (byte) => ALPHABET[byte & 31]).join('');
}

/** `<database>-<8 random base32 characters>`, shortened where the database's own name leaves no room (design 3). */
export function defaultApplyId(database: string): string {
  return `${database.slice(0, 54)}-${randomSuffix()}`;
}
