import { describe, expect, it } from 'vitest';
import { isAutomaticNotNullName } from '../../engine/postgres/signature/not-null-name.js';

const LONG = 'customer_subscription_invoice_line_item_adjustment';

describe('a name of a NOT NULL constraint', () => {
  it.each([
    ['t_k_not_null', 't', 'k'],
    ['t_k_not_null1', 't', 'k'],
    ['t_k_not_null12', 't', 'k'],
    // As PostgreSQL 18.4 cuts them, the longer of the two names first and never inside a character.
    ['customer_subscription_invoice_line_item_a_amount_gross_not_null', LONG, 'amount_gross'],
    ['customer_subscription_invoi_größe_der_schrift_in_gan_not_null', LONG, 'größe_der_schrift_in_ganz_kleinen_zeilen'],
    ['größe_öse_not_null', 'größe', 'öse'],
  ])('%s is the one that PostgreSQL gives for %s.%s', (name, table, column) => {
    expect(isAutomaticNotNullName(name, { table, column })).toBe(true);
  });

  it.each([
    ['k_is_there', 't', 'k'],
    ['t_k_not_null', 't', 'other'],
    ['t_k_not_null_at_all', 't', 'k'],
    ['not_null', 't', 'k'],
    ['t_k_not_nullx1', 't', 'k'],
  ])('%s is given by somebody for %s.%s', (name, table, column) => {
    expect(isAutomaticNotNullName(name, { table, column })).toBe(false);
  });
});
