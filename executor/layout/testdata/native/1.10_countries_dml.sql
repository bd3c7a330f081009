INSERT INTO countries VALUES ('de'), ('fr');
