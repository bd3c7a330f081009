package syntax

import "github.com/shipsql/shipsql/executor/mysql/token"

// statement reads the statement that begins here, by its first word.
func (r *reader) statement() {
	first := r.upper(0)
	r.at++
	if kind, simple := simples[first]; simple {
		r.Kind = kind
		return
	}
	if read, known := r.heads()[first]; known {
		read()
		return
	}
	r.Kind, r.unsure = Unknown, true
}

// simples are first words that tell the kind alone.
var simples = map[string]Kind{
	"INSERT": Insert, "UPDATE": Update, "DELETE": Delete, "REPLACE": Replace, "DO": Do, "HANDLER": Handler,
	"SIGNAL": Do, "RESIGNAL": Do, "GET": Select,
	"SELECT": Select, "VALUES": Select, "TABLE": Select, "SHOW": Select, "HELP": Select, "(": Select, "CHECKSUM": Select,
	"IF": Block, "CASE": Block, "LOOP": Block, "WHILE": Block, "REPEAT": Block, "FOR": Block,
	"COMMIT": Commit, "SAVEPOINT": Savepoint, "XA": XA, "GRANT": Grant, "REVOKE": Revoke, "KILL": Kill,
	"PREPARE": Prepare, "EXECUTE": Execute, "DEALLOCATE": Deallocate, "UNLOCK": UnlockTables,
	"FLUSH": Server, "RESET": Server, "PURGE": Server, "CHANGE": Server, "INSTALL": Server, "UNINSTALL": Server,
	"SHUTDOWN": Server, "RESTART": Server, "CLONE": Server, "BINLOG": Server, "CACHE": Server, "STOP": Server,
	"IMPORT": Server, "BACKUP": Server,
}

// heads are first words behind which more must be read.
func (r *reader) heads() map[string]func() {
	return map[string]func(){
		"CREATE": r.create, "ALTER": r.alter, "DROP": r.drop, "RENAME": r.rename, "TRUNCATE": r.truncate,
		"SET": r.set, "USE": r.use, "LOCK": r.lock, "LOAD": r.load, "WITH": r.with,
		"BEGIN": r.begin, "START": r.start, "ROLLBACK": r.rollback, "RELEASE": r.release,
		"ANALYZE": r.analyze, "OPTIMIZE": r.maintain(Optimize), "CHECK": r.maintain(Check), "REPAIR": r.maintain(Repair),
		"CALL": r.call, "EXPLAIN": r.explain, "DESCRIBE": r.explain, "DESC": r.explain,
	}
}

func (r *reader) use() {
	r.Kind = UseSchema
	if name, ok := r.identifier(); ok {
		r.Objects = append(r.Objects, Object{Kind: Schema, Use: Reads})
		r.Objects[0].Name.Name = token.Unquote(name.In(r.words.text))
		r.spots = append(r.spots, spot{name.Start, name.End})
	}
}

func (r *reader) lock() { r.Kind = LockTables }

func (r *reader) load() {
	if r.upper(0) == "INDEX" {
		r.Kind = Server
		return
	}
	r.Kind = LoadData
	r.seekTable("INTO", "TABLE", Writes)
}

func (r *reader) call() {
	r.Kind = Call
	r.object(Procedure, Calls)
}

// with looks for the statement behind common table expressions.
func (r *reader) with() {
	for depth := 0; !r.done(); r.at++ {
		switch r.upper(0) {
		case "(":
			depth++
		case ")":
			depth--
		case "SELECT", "VALUES", "TABLE", "INSERT", "REPLACE", "UPDATE", "DELETE":
			if depth == 0 {
				r.Kind = simples[r.upper(0)]
				return
			}
		}
	}
	r.Kind, r.unsure = Unknown, true
}

func (r *reader) begin() {
	r.Kind = Begin
	if r.upper(0) == "NOT" {
		r.Kind = Block
	}
}

func (r *reader) start() {
	r.Kind = Server // START REPLICA …
	if r.upper(0) == "TRANSACTION" {
		r.Kind = Begin
	}
}

func (r *reader) rollback() {
	r.Kind = Rollback
	r.skipAll("WORK")
	if r.upper(0) == "TO" {
		r.Kind = Savepoint
	}
}

func (r *reader) release() { r.Kind = Savepoint }

// analyze is ANALYZE TABLE, or MariaDB's ANALYZE of a statement that it runs.
func (r *reader) analyze() {
	begin := r.at
	r.skipAll("NO_WRITE_TO_BINLOG", "LOCAL")
	if r.upper(0) == "TABLE" || r.upper(0) == "TABLES" {
		r.at = begin
		r.maintain(Analyze)()
		return
	}
	r.explained()
}

// explain reads a statement that is shown, and run only by EXPLAIN ANALYZE.
func (r *reader) explain() {
	if r.accept("ANALYZE") {
		r.explained()
		return
	}
	r.Kind = Select
}

// explained reads the statement that is run to be explained.
func (r *reader) explained() {
	if r.accept("FORMAT", "=") {
		r.at++
	}
	r.statement()
	r.opaque = true // the tree is of EXPLAIN
}

// maintain reads ANALYZE, OPTIMIZE, CHECK or REPAIR TABLE: each may run again.
func (r *reader) maintain(kind Kind) func() {
	return func() {
		r.Kind = kind
		r.skipAll("NO_WRITE_TO_BINLOG", "LOCAL")
		what, use := Table, Alters
		if kind == Check {
			use = Reads
		}
		switch r.acceptAny("TABLE", "TABLES", "VIEW") {
		case "":
			r.unsure = true
			return
		case "VIEW":
			what = View
		}
		r.objects(what, use)
		r.Again = true
	}
}
