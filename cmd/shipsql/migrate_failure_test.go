package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// badInput is a database and a folder with something wrong, and the command that
// meets it.
type badInput struct {
	name    string
	files   map[string]string
	before  []string          // commands that go well, first
	breaks  []string          // SQL by hand, then
	edits   map[string]string // files changed, then
	command string            // and then
}

var badInputs = []badInput{
	{name: "a statement that the database refuses", files: map[string]string{
		"1_a.sql": "create table a(id int primary key)", "2_b.sql": "insert into a values (1);\n\ninsert into a\n  values (1);", "3_c.sql": "create table c()",
	}, command: "up"},
	{name: "a hint of the database's", files: map[string]string{"1_a.sql": "create table abc(id int);\nselect\n  abc.idd from abc"}, command: "up"},
	{name: "a syntax error", files: map[string]string{"1_a.sql": "create table a();\ncreate tabel b()"}, command: "up"},
	{name: "what ShipSQL refuses", files: map[string]string{"1_a.sql": "create table a();\ncommit;\ncreate table b()"}, command: "up"},
	{name: "a step outside of a transaction", files: map[string]string{
		"1_a.sql": "create table a(id int);\ninsert into a values (1), (1);\ncreate unique index concurrently on a(id);\ncreate table b()",
	}, command: "up"},
	{name: "an ambiguous step", files: map[string]string{
		"1_a.sql": "-- shipsql: transaction=off\ncreate procedure p() language plpgsql as 'begin commit; perform 1/0; end';\ncall p();",
	}, command: "up"},
	{name: "a file that was edited after it was applied", files: map[string]string{"1_a.sql": "create table a()"},
		before: []string{"up"}, edits: map[string]string{"1_a.sql": "create table a(id int)"}, command: "up"},
	{name: "a version below the newest", files: map[string]string{"2_b.sql": "create table b()"},
		before: []string{"up"}, edits: map[string]string{"1_a.sql": "create table a()"}, command: "up"},
	{name: "two files of one version", files: map[string]string{"1_a.sql": "select 1", "01_b.sql": "select 1"}, command: "up"},
	{name: "a directive that nobody knows", files: map[string]string{"1_a.sql": "-- shipsql: transactoin=off\nselect 1"}, command: "up"},
	{name: "a ledger that was edited by hand", files: map[string]string{"1_a.sql": "create table a()"},
		before: []string{"up"}, breaks: []string{"delete from shipsql.meta"}, command: "up"},
	{name: "a ledger of a newer ShipSQL", files: map[string]string{"1_a.sql": "create table a()"},
		before: []string{"up"}, breaks: []string{"update shipsql.meta set format = 99"}, command: "status"},
	{name: "no history to adopt", files: map[string]string{"1_a.sql": "create table a()"}, command: "adopt"},
	{name: "nothing to take it back by", files: map[string]string{"1_a.sql": "create table a()", "2_b.sql": "create table b()", "2_b.down.sql": "drop table b"},
		before: []string{"up"}, command: "down --to 0 --yes"},
	{name: "a step back without consent", files: map[string]string{"1_a.sql": "create table a(id int, b int)", "1_a.down.sql": "alter table a drop column b;\ndrop table a"},
		before: []string{"up"}, command: "down"},
	{name: "a database that nobody can reach", files: map[string]string{"1_a.sql": "create table a()"}, command: "up --database postgres://u:hunter2@127.0.0.1:1/x"},
}

var badInputsMariaDB = []badInput{
	{name: "a statement that the database refuses", files: map[string]string{
		"1_a.sql": "create table a(id int primary key)", "2_b.sql": "insert into a values (1);\n\ninsert into a\n  values (1);\ncreate table b(id int);", "3_c.sql": "create table c(id int)",
	}, command: "up"},
	{name: "a statement that the database refuses behind one that stays", files: map[string]string{
		"1_a.sql": "create table a(id int primary key);\n\nalter table a\n  add column id int;\ncreate table b(id int);",
	}, command: "up"},
	{name: "a syntax error", files: map[string]string{"1_a.sql": "create table a(id int);\ncreate tabel b(id int)"}, command: "up"},
	{name: "what ShipSQL refuses", files: map[string]string{"1_a.sql": "create table a(id int);\nselect release_all_locks();\ncreate table b(id int)"}, command: "up"},
	{name: "a file that was edited after it was applied", files: map[string]string{"1_a.sql": "create table a(id int)"},
		before: []string{"up"}, edits: map[string]string{"1_a.sql": "create table a(id bigint)"}, command: "up"},
	{name: "a ledger that was edited by hand", files: map[string]string{"1_a.sql": "create table a(id int)"},
		before: []string{"up"}, breaks: []string{"delete from shipsql_meta"}, command: "up"},
	{name: "a ledger of a newer ShipSQL", files: map[string]string{"1_a.sql": "create table a(id int)"},
		before: []string{"up"}, breaks: []string{"update shipsql_meta set format = 99"}, command: "status"},
	{name: "no history to adopt", files: map[string]string{"1_a.sql": "create table a(id int)"}, command: "adopt"},
	{name: "a step back without consent", files: map[string]string{"1_a.sql": "create table a(id int, b int)", "1_a.down.sql": "alter table a drop column b;\ndrop table a"},
		before: []string{"up"}, command: "down"},
	{name: "a database that nobody can reach", files: map[string]string{"1_a.sql": "create table a(id int)"}, command: "up --database mariadb://u:hunter2@127.0.0.1:1/x"},
}

// TestBadInput compares everything that a person sees with the goldens in
// testdata (go test -run TestBadInput -update writes them).
func TestBadInput(t *testing.T) {
	t.Run("postgres", func(t *testing.T) { tellBadInputs(t, "postgres", badInputs) })
	t.Run("mariadb", func(t *testing.T) { tellBadInputs(t, "mariadb", badInputsMariaDB) })
}

func tellBadInputs(t *testing.T, product string, all []badInput) {
	var got strings.Builder
	for _, b := range all {
		s := site{t, "env:SHIPSQL_TEST_TARGET", migrationsIn(t, b.files)}
		url := products[product](t)
		t.Setenv("SHIPSQL_TEST_TARGET", url)
		for _, command := range b.before {
			s.run(command, exitOK, "", "")
		}
		for _, sql := range b.breaks {
			byHand(t, url, sql)
		}
		for name, text := range b.edits {
			s.write(name, text)
		}
		args := append([]string{"migrate"}, strings.Fields(b.command)...)
		if !strings.Contains(b.command, "--database") {
			args = append(args, "--database", s.url)
		}
		code, out, err := shipsql(t, append(args, "--dir", s.dir)...)
		if strings.Contains(out+err, "hunter2") {
			t.Errorf("%s: shows the password", b.name)
		}
		fmt.Fprintf(&got, "## %s\n$ shipsql migrate %s\n%s%sexit %d\n\n", b.name, b.command, s.plain(out), s.plain(err), code)
	}
	golden := filepath.Join("testdata", "bad_input_"+product+".txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Error(diff)
	}
}

var (
	// A server under load ends the session before a little later.
	waited   = regexp.MustCompile(`(?m)^waiting: .*\n`)
	duration = regexp.MustCompile(`\b\d+ ms`)
	someHost = regexp.MustCompile(`127\.0\.0\.1(:\d{3,})?/t_[a-z0-9]+`)
)

// plain takes out what differs from run to run.
func (s site) plain(text string) string {
	text = waited.ReplaceAllString(strings.ReplaceAll(text, s.dir, "DIR"), "")
	return someHost.ReplaceAllString(duration.ReplaceAllString(text, "N ms"), "HOST/DB")
}
