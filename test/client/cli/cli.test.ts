import { expect, test } from 'vitest';
import { uiLink, withProgram } from '../../../client/cli/cli.js';

test('a link into the Temporal UI has the slashes of a workflow id encoded', () => {
  expect(uiLink('http://127.0.0.1:8233/', 'default', 'production/orders/eu/orders_eu')).toBe(
    'http://127.0.0.1:8233/namespaces/default/workflows/production%2Forders%2Feu%2Forders_eu',
  );
});

test('commands in messages are written as this person calls the program', () => {
  expect(withProgram('start one with `skein dev`', 'npm run -s skein --')).toBe(
    'start one with `npm run -s skein -- dev`',
  );
  expect(withProgram('start one with `skein dev`', 'skein')).toBe('start one with `skein dev`');
});
