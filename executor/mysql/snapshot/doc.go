// Package snapshot reads a MySQL or MariaDB database's catalog into the
// engine-neutral types of executor/catalog, in one query per kind of object
// whatever the number of tables.
//
// Sizes are the storage engine's estimates as information_schema gives them,
// which MySQL 8 may keep for a day (information_schema_stats_expiry). It is
// tested on MariaDB; MySQL differs in two places, read from its manual: CHECK
// constraints (they know whether they are enforced, not their table) and column
// defaults (literals without quotes).
// https://dev.mysql.com/doc/refman/8.4/en/information-schema.html
package snapshot
