// Package history reads what other migration tools recorded in a database, so
// that a team can go on with ShipSQL where they are ([Find], [Compare]), and
// writes two of these records along, so that the team can leave again or keep
// using the tool on laptops ([NewCompanion]).
//
// # From a table to baseline rows
//
//	Find      which tool's table is there (told by its columns, not by its name
//	          alone), and what it calls applied; whatever the tool itself would
//	          stop at, a dirty or failed row, is refused with the tool's remedy
//	Compare   each migration of the folder is one of
//	            proven    the tool recorded a checksum, and the file still has it
//	            unproven  recorded as applied, with another checksum or none
//	            pending   not recorded
//	          and rows without a file are unknown to the folder
//
// Proven and unproven ones become baseline rows of the ledger, if the person who
// adopts says so. The tool's table is only read.
//
// # What each tool writes
//
//	tool            table                       one row is                checksum
//	flyway          flyway_schema_history,      an event; the newest per  CRC-32 of the
//	                before 5.0 schema_version   version or script counts  lines' text
//	golang-migrate  schema_migrations           the newest version        none
//	                (version, dirty)
//	goose           goose_db_version            an event; the newest per  none
//	                                            version counts
//	dbmate          schema_migrations           a version                 none
//	                (version)
//	liquibase-sql   databasechangelog           a changeset: id, author,  not used: how it is
//	                                            file                      made depends on the
//	                                                                      Liquibase version
//	atlas           atlas_schema_revisions      a version                 SHA-256 over all
//	                                                                      files so far
//	prisma          _prisma_migrations          a try; the newest per     SHA-256
//	                                            name counts
//	sqlx            _sqlx_migrations            a version                 SHA-384
//	rails, django   schema_migrations beside    refused: their migrations
//	                ar_internal_metadata;       are programs
//	                django_migrations
//
// The tables are documented in testdata/: one file per tool and dialect, which
// the tests load into real servers.
package history
