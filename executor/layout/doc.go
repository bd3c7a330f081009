// Package layout reads the migration folders that people have: ShipSQL's own
// naming and those of other tools, so that a team changes the runner without
// renaming a file.
//
// # From files to migrations
//
//	files → detect (Options.Name "auto": whose signs do the files bear?)
//	      → one adapter of the closed table, one file of this package each
//	      → migrations in the order in which they run, or faults with file:line
//
// An adapter honours what its tool means by a file exactly, or refuses it by
// name; nothing is guessed and nothing is left out silently. A .sql file that is
// no migration of the layout is a fault too. Versions are always ordered by
// number, and no two migrations of one kind and destination share one.
//
// Migration.SQL is the up part only. What precedes it in the file is left as
// empty lines, so that line numbers are the file's; offsets are not.
//
// # Kinds
//
//	layout          versioned                     repeatable       baseline
//	native          1.2_x.sql, V1.2__x.sql
//	flyway          V1.2__x.sql                   R__x.sql         B1.2__x.sql
//	golang-migrate  1_x.up.sql
//	goose           1_x.sql with +goose Up
//	dbmate          1_x.sql with migrate:up
//	liquibase-sql   --changeset author:id         runOnChange      -
//	atlas           1_x.sql                                        atlas:checkpoint
//	prisma          1_x/migration.sql
//	sqlx            1_x.sql, 1_x.up.sql
//	bytebase        1.2_x.sql, or by template                      TYPE baseline
//
// Rails' and Django's folders hold programs, not SQL: they are refused with
// advice. What each tool does is told in its own source or documentation; the
// adapter names the place.
package layout
