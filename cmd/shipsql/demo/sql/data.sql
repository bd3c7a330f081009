INSERT INTO settings VALUES (1, 0);
INSERT INTO customers (email) SELECT 'customer' || n || '@example.com' FROM generate_series(1, 200) n;
INSERT INTO orders (customer_id, total) SELECT 1 + n % 200, n FROM generate_series(1, 5000) n;
ANALYZE;
