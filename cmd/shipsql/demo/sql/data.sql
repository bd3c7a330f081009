INSERT INTO settings VALUES (1, 0);
INSERT INTO customers (email) SELECT 'customer' || n || '@example.com' FROM generate_series(1, 200) n;
-- Large enough (over 10 MB) that blocking its writers would hurt.
INSERT INTO orders (customer_id, total, address)
SELECT 1 + n % 200, n, n || ' Harbour Street, Back Building, 20457 Springfield by the Lake' FROM generate_series(1, 100000) n;
ANALYZE;
