CREATE TABLE shipments (
    order_id bigint NOT NULL,
    carrier  text NOT NULL
);

ALTER TABLE orders ADD COLUMN status text NOT NULL;

CREATE INDEX orders_customer_id ON orders (customer_id);
