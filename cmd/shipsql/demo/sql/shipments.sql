CREATE TABLE shipments (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL,
    carrier  text NOT NULL
);

ALTER TABLE orders ADD COLUMN status text NOT NULL DEFAULT 'new';
