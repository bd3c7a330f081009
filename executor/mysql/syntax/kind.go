package syntax

// Kind is what a statement does, in the words that messages show.
type Kind string

// The kinds of statements.
const (
	Unknown Kind = "statement"

	Insert   Kind = "INSERT"
	Update   Kind = "UPDATE"
	Delete   Kind = "DELETE"
	Replace  Kind = "REPLACE"
	LoadData Kind = "LOAD DATA"
	Select   Kind = "SELECT" // also TABLE, VALUES, SHOW, EXPLAIN, HELP: what only reads
	Call     Kind = "CALL"
	Do       Kind = "DO"
	Handler  Kind = "HANDLER"
	Block    Kind = "BEGIN NOT ATOMIC" // MariaDB's statements of a routine without the routine

	CreateTable   Kind = "CREATE TABLE"
	AlterTable    Kind = "ALTER TABLE"
	DropTable     Kind = "DROP TABLE"
	RenameTable   Kind = "RENAME TABLE"
	TruncateTable Kind = "TRUNCATE TABLE"
	CreateIndex   Kind = "CREATE INDEX"
	DropIndex     Kind = "DROP INDEX"

	CreateView      Kind = "CREATE VIEW"
	AlterView       Kind = "ALTER VIEW"
	DropView        Kind = "DROP VIEW"
	CreateTrigger   Kind = "CREATE TRIGGER"
	DropTrigger     Kind = "DROP TRIGGER"
	CreateProcedure Kind = "CREATE PROCEDURE"
	AlterProcedure  Kind = "ALTER PROCEDURE"
	DropProcedure   Kind = "DROP PROCEDURE"
	CreateFunction  Kind = "CREATE FUNCTION"
	AlterFunction   Kind = "ALTER FUNCTION"
	DropFunction    Kind = "DROP FUNCTION"
	CreatePackage   Kind = "CREATE PACKAGE" // MariaDB's; also its body
	DropPackage     Kind = "DROP PACKAGE"
	CreateEvent     Kind = "CREATE EVENT"
	AlterEvent      Kind = "ALTER EVENT"
	DropEvent       Kind = "DROP EVENT"
	CreateSequence  Kind = "CREATE SEQUENCE" // MariaDB's
	AlterSequence   Kind = "ALTER SEQUENCE"
	DropSequence    Kind = "DROP SEQUENCE"
	CreateDatabase  Kind = "CREATE DATABASE"
	AlterDatabase   Kind = "ALTER DATABASE"
	DropDatabase    Kind = "DROP DATABASE"

	Analyze  Kind = "ANALYZE TABLE"
	Optimize Kind = "OPTIMIZE TABLE"
	Check    Kind = "CHECK TABLE"
	Repair   Kind = "REPAIR TABLE"

	Set          Kind = "SET"
	UseSchema    Kind = "USE"
	Begin        Kind = "START TRANSACTION"
	Commit       Kind = "COMMIT"
	Rollback     Kind = "ROLLBACK"
	Savepoint    Kind = "SAVEPOINT" // also RELEASE SAVEPOINT, ROLLBACK TO SAVEPOINT
	XA           Kind = "XA"
	LockTables   Kind = "LOCK TABLES"
	UnlockTables Kind = "UNLOCK TABLES" // also of the instance, of backups

	Grant      Kind = "GRANT"
	Revoke     Kind = "REVOKE"
	Account    Kind = "CREATE USER" // any change of users and roles, SET PASSWORD, SET ROLE
	Kill       Kind = "KILL"
	Prepare    Kind = "PREPARE"
	Execute    Kind = "EXECUTE" // also EXECUTE IMMEDIATE
	Deallocate Kind = "DEALLOCATE PREPARE"
	// Server is what concerns the server as a whole: FLUSH, RESET, PURGE, CHANGE
	// REPLICATION SOURCE, INSTALL PLUGIN, SHUTDOWN, tablespaces, servers and so on.
	Server Kind = "server administration"
)
