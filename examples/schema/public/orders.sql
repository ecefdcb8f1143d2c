-- The schema you want. The engines work out what is missing.
CREATE TABLE orders (
  id bigint PRIMARY KEY,
  customer_id bigint NOT NULL,
  amount_cents bigint NOT NULL,
  note text
);

CREATE INDEX orders_customer_id ON orders (customer_id);
