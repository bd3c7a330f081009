package history_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/history"
	"github.com/shipsql/shipsql/executor/script"
	"github.com/shipsql/shipsql/internal/fault"
)

// tables are histories in the state that matters to a test.
const (
	golangMigrateTable = "CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (7, false);"
	dbmateTable        = "CREATE TABLE schema_migrations (version varchar(128) NOT NULL PRIMARY KEY); INSERT INTO schema_migrations VALUES ('7');"
	railsMark          = "CREATE TABLE ar_internal_metadata (name varchar(255) NOT NULL PRIMARY KEY, value varchar(255));"
	gooseTable         = "CREATE TABLE goose_db_version (id int NOT NULL PRIMARY KEY, version_id bigint NOT NULL, is_applied boolean NOT NULL); INSERT INTO goose_db_version VALUES (1, 0, true), (2, 7, true);"
	flywayTable        = "CREATE TABLE flyway_schema_history (installed_rank int NOT NULL PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), script varchar(1000), checksum int, success boolean NOT NULL);"
	sqlxTable          = "CREATE TABLE _sqlx_migrations (version bigint PRIMARY KEY, description text, success boolean, checksum varchar(10));"
	prismaTable        = "CREATE TABLE _prisma_migrations (id varchar(36), checksum varchar(64), finished_at timestamp NULL, migration_name varchar(255), rolled_back_at timestamp NULL, started_at timestamp NULL);"
	atlasTable         = "CREATE TABLE atlas_schema_revisions (version varchar(255), description varchar(255), type bigint, applied bigint, total bigint, error text, hash varchar(255));"
	liquibaseTable     = "CREATE TABLE databasechangelog (id varchar(255), author varchar(255), filename varchar(255), orderexecuted int, exectype varchar(10), md5sum varchar(35));"
	djangoTable        = "CREATE TABLE django_migrations (id int, app varchar(255), name varchar(255), applied timestamp NULL);"
	ectoTable          = "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, inserted_at timestamp NULL);"
)

// find runs on both servers; the answer must be the same.
func find(t *testing.T, sql string, w history.Where) (h history.History, err error) {
	t.Helper()
	for i, d := range dialects {
		s := fresh(t, d)
		if sql != "" {
			if err := s.exec(sql); err != nil {
				t.Fatal(err)
			}
		}
		w.Dialect = d
		now, nowErr := history.Find(t.Context(), s, w)
		if i > 0 && (fault.CodeOf(nowErr) != fault.CodeOf(err) || now.Tool != h.Tool || len(now.Rows) != len(h.Rows)) {
			t.Errorf("%s: %+v, %v; before: %+v, %v", d, now, nowErr, h, err)
		}
		h, err = now, nowErr
	}
	return h, err
}

func TestFindTellsTheToolsApart(t *testing.T) {
	for name, c := range map[string]struct {
		sql, tool string
		where     history.Where
	}{
		"golang-migrate":         {golangMigrateTable, "golang-migrate", history.Where{}},
		"dbmate":                 {dbmateTable, "dbmate", history.Where{}},
		"the one that is wanted": {golangMigrateTable + gooseTable, "goose", history.Where{Tool: "goose"}},
		"none that is wanted":    {gooseTable, "goose", history.Where{Tool: "native"}},
		"another name":           {strings.ReplaceAll(gooseTable, "goose_db_version", "My_versions") + dbmateTable, "goose", history.Where{Table: "My_versions"}},
	} {
		t.Run(name, func(t *testing.T) {
			if h, err := find(t, c.sql, c.where); err != nil || h.Tool != c.tool || len(h.Rows) != 1 || h.Rows[0].Version != "7" {
				t.Errorf("%+v, %v", h, err)
			}
		})
	}
}

func TestFindRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		sql  string
		code fault.Code
		says string
	}{
		"nothing":        {"", fault.NotFound, "looked for _prisma_migrations, _sqlx_migrations, atlas_schema_revisions, databasechangelog, django_migrations, flyway_schema_history, goose_db_version, schema_migrations, schema_version"},
		"several":        {golangMigrateTable + gooseTable, fault.Conflict, "say whose is meant with --layout"},
		"rails":          {dbmateTable + railsMark, fault.Unsupported, "Rails, whose migrations are Ruby programs"},
		"django":         {djangoTable, fault.Unsupported, "Django"},
		"ecto":           {ectoTable, fault.NotFound, "no history of another tool"},
		"flyway failed":  {flywayTable + "INSERT INTO flyway_schema_history VALUES (1, '2', 'x', 'SQL', 'V2__x.sql', 1, false)", fault.Conflict, "V2__x.sql as failed or not finished"},
		"sqlx failed":    {sqlxTable + "INSERT INTO _sqlx_migrations VALUES (3, 'x', false, '')", fault.Conflict, "version 3 as failed"},
		"prisma failed":  {prismaTable + "INSERT INTO _prisma_migrations (migration_name, started_at) VALUES ('1_x', '2026-01-02 03:04:05')", fault.Conflict, "prisma migrate resolve --applied or --rolled-back 1_x"},
		"atlas failed":   {atlasTable + "INSERT INTO atlas_schema_revisions VALUES ('1', 'x', 2, 1, 2, NULL, '')", fault.Conflict, "version 1 as failed"},
		"atlas error":    {atlasTable + "INSERT INTO atlas_schema_revisions VALUES ('1', 'x', 4, 2, 2, 'syntax', '')", fault.Conflict, "version 1 as failed"},
		"liquibase":      {liquibaseTable + "INSERT INTO databasechangelog VALUES ('1', 'ann', 'a.sql', 1, 'FAILED', '')", fault.Conflict, "changeset a.sql::1::ann as failed"},
		"golang-migrate": {strings.Replace(golangMigrateTable, "false", "true", 1), fault.Conflict, "dirty at version 7"},
	} {
		t.Run(name, func(t *testing.T) {
			sql := c.sql
			if name == "sqlx failed" {
				sql = strings.Replace(sql, "checksum varchar(10)", "checksum bytea", 1)
				findOn(t, script.Postgres, sql, c.code, c.says)
				findOn(t, script.MySQL, strings.Replace(sql, "bytea", "blob", 1), c.code, c.says)
				return
			}
			if _, err := find(t, sql, history.Where{}); fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
				t.Errorf("error %v, want %q", err, c.says)
			}
		})
	}
}

// Liquibase's lock outlives a run that was killed.
func TestALockedLiquibase(t *testing.T) {
	locked := liquibaseTable + "INSERT INTO databasechangelog VALUES ('1', 'ann', 'a.sql', 1, 'EXECUTED', '');" +
		"CREATE TABLE DATABASECHANGELOGLOCK (ID int PRIMARY KEY, LOCKED %s NOT NULL, LOCKGRANTED timestamp NULL, LOCKEDBY varchar(255));"
	for d, kind := range map[script.Dialect]string{script.Postgres: "boolean", script.MySQL: "bit(1)"} {
		create := fmt.Sprintf(locked, kind)
		findOn(t, d, create+"INSERT INTO DATABASECHANGELOGLOCK VALUES (1, true, '2026-01-02 03:04:05', 'ci (10.0.0.7)')",
			fault.Conflict, "is held by ci (10.0.0.7), since 2026-01-02 03:04:05")
		findOn(t, d, create+"INSERT INTO DATABASECHANGELOGLOCK VALUES (1, true, NULL, NULL)", fault.Conflict, "is held by somebody;")
		s := fresh(t, d)
		if err := s.exec(create + "INSERT INTO DATABASECHANGELOGLOCK VALUES (1, false, NULL, NULL)"); err != nil {
			t.Fatal(err)
		}
		if h, err := history.Find(t.Context(), s, history.Where{Dialect: d}); err != nil || len(h.Rows) != 1 {
			t.Errorf("%s: not locked: %+v, %v", d, h, err)
		}
	}
}

func findOn(t *testing.T, d script.Dialect, sql string, code fault.Code, says string) {
	t.Helper()
	s := fresh(t, d)
	if err := s.exec(sql); err != nil {
		t.Fatal(err)
	}
	if _, err := history.Find(t.Context(), s, history.Where{Dialect: d}); fault.CodeOf(err) != code || !strings.Contains(err.Error(), says) {
		t.Errorf("%s: error %v, want %q", d, err, says)
	}
}

// TestFindLooksWhereTheLoginLooks prefers what unqualified names find, as the
// tools do.
func TestFindLooksWhereTheLoginLooks(t *testing.T) {
	s := fresh(t, script.Postgres)
	other := strings.ReplaceAll(strings.ReplaceAll(gooseTable, "goose_db_version", "other.goose_db_version"), "7", "8")
	if err := s.exec("CREATE SCHEMA other; " + other); err != nil {
		t.Fatal(err)
	}
	version := func(w history.Where) string {
		w.Dialect = script.Postgres
		h, err := history.Find(t.Context(), s, w)
		if err != nil {
			t.Fatal(err)
		}
		return h.Table + " " + h.Rows[0].Version
	}
	if got := version(history.Where{}); got != "other.goose_db_version 8" {
		t.Error(got)
	}
	if err := s.exec(gooseTable); err != nil {
		t.Fatal(err)
	}
	if got := version(history.Where{}); got != "public.goose_db_version 7" {
		t.Error(got)
	}
	if got := version(history.Where{Table: "other.goose_db_version"}); got != "other.goose_db_version 8" {
		t.Error(got)
	}
}

// TestAtlasHashes compares with what Atlas' own library wrote into atlas.sum for
// these files (ariga.io/atlas v0.32.1, sql/migrate).
func TestAtlasHashes(t *testing.T) {
	var files []executor.File
	for _, f := range readGolden(t, "testdata/atlas.txtar").files {
		if strings.HasSuffix(f.Path, ".sql") {
			files = append(files, f)
		}
	}
	files = append(files, executor.File{Path: "20260101500000_x.sql", Content: []byte("-- atlas:sum ignore\n\nselect 1;\n")})
	s := fresh(t, script.Postgres)
	if err := s.exec(atlasTable + `INSERT INTO atlas_schema_revisions VALUES
		('20260101000000', 'users', 2, 1, 1, NULL, 'KSOaWSQCMQA8CL8Wys+a/CjzD2w8e/RbcnltkvU3cxU='),
		('20260102000000', 'orders', 2, 1, 1, NULL, 'EY1HqHd1PU8XuES5peqkhD32gkPr4C2IoGnPDUEAIeo='),
		('20260103000000', 'name', 2, 1, 1, NULL, 'h1:D1vEznjSqKBeV8NfJovL/MLhGglY2Y/gcezRGVw2MXA=')`); err != nil {
		t.Fatal(err)
	}
	h, err := history.Find(t.Context(), s, history.Where{Dialect: script.Postgres})
	if err != nil {
		t.Fatal(err)
	}
	var folder history.Folder
	folder.Files = files
	for _, f := range files {
		version, _, _ := strings.Cut(f.Path, "_")
		folder.Migrations = append(folder.Migrations, executor.Migration{Version: version, Kind: executor.Versioned, Path: f.Path})
	}
	c := history.Compare(h, folder)
	if len(c.Proven) != 3 || len(c.Pending) != 1 || c.Pending[0].Version != "20260101500000" {
		t.Errorf("%+v", c)
	}
}
