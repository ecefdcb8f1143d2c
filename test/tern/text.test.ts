import { expect, test } from 'vitest';
import { TEXT_CHARACTERS_MAX } from '../../tern/limits.js';
import { cleanText } from '../../tern/text.js';

test.each([
  ['connect ECONNREFUSED 127.0.0.1:13401. Resolution note: ', 'connect ECONNREFUSED <address> Resolution note:'],
  ['connect ECONNREFUSED ::1:9090', 'connect ECONNREFUSED <address>'],
  ['Failed to resolve: getaddrinfo ENOTFOUND eu.db.internal', 'Failed to resolve: getaddrinfo ENOTFOUND <address>'],
  ['dial tcp [2001:db8::1]:9090: timeout', 'dial tcp <address>: timeout'],
  ['Name resolution failed for target dns:eu.db.internal:9090', 'Name resolution failed for target dns:<address>'],
  ['open postgres://root:hunter2@db.example/orders', 'open postgres://***@db.example/orders'],
  ['duplicate key (id)=(12:34:56) in version 18.4', 'duplicate key (id)=(12:34:56) in version 18.4'],
  ["cast 'x'::text failed at 04:05:06", "cast 'x'::text failed at 04:05:06"],
])('an address or password is taken out of %j and nothing else', (text, clean) => {
  expect(cleanText(text, 'eu.db.internal:9090')).toBe(clean);
});

test('a scheme in front of the address does not hide it', () => {
  expect(cleanText('no route to eu.db.internal', 'dns:///eu.db.internal:9090')).toBe('no route to <address>');
});

test('a text over the limit is cut and says by how much', () => {
  const long = 'x'.repeat(TEXT_CHARACTERS_MAX + 5);
  expect(cleanText(long, 'a:1')).toBe(`${'x'.repeat(TEXT_CHARACTERS_MAX)} … (5 more characters)`);
});
