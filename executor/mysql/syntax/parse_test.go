package syntax_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

var update = flag.Bool("update", false, "write the golden files")

// statements are those of testdata/statements.sql, one a line.
func statements(t testing.TB) []string {
	t.Helper()
	text, err := os.ReadFile("testdata/statements.sql")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "-- ") {
			all = append(all, line)
		}
	}
	return all
}

// describe shows everything that a Statement says, in one line.
func describe(s syntax.Statement) string {
	words := []string{string(s.Kind)}
	flag := func(set bool, word string) {
		if set {
			words = append(words, word)
		}
	}
	flag(!s.Understood, "NOT-UNDERSTOOD")
	flag(s.Refused != "", "refused")
	flag(s.Temporary, "temporary")
	flag(s.Again, "again")
	flag(s.SameText, "same-text")
	flag(s.WritesLedger(), "WRITES-LEDGER")
	flag(s.Algorithm+s.Lock != "", "algorithm="+s.Algorithm+" lock="+s.Lock)
	for _, o := range s.Objects {
		words = append(words, fmt.Sprintf("[%s %s %s]", o.Use, o.Kind, o.Name))
	}
	if len(s.Functions) > 0 {
		words = append(words, "calls("+strings.Join(s.Functions, ",")+")")
	}
	for _, v := range s.Variables {
		words = append(words, fmt.Sprintf("{%s %s}", v.Scope, v.Name))
	}
	return strings.Join(words, " ")
}

func TestParse(t *testing.T) {
	var b strings.Builder
	for _, sql := range statements(t) {
		mysql, mariadb := syntax.Parse(sql, syntax.MySQL), syntax.Parse(sql, syntax.MariaDB)
		b.WriteString(sql + "\n")
		if describe(mysql) == describe(mariadb) {
			fmt.Fprintf(&b, "  both     %s\n", describe(mysql))
		} else {
			fmt.Fprintf(&b, "  mysql    %s\n  mariadb  %s\n", describe(mysql), describe(mariadb))
		}
		if moved, ok := mariadb.Rewrite("app", "scratch"); ok {
			fmt.Fprintf(&b, "  moved    %s\n", moved)
		}
		if online, ok := mariadb.Online("INPLACE", "NONE"); ok {
			fmt.Fprintf(&b, "  online   %s\n", online)
		}
	}
	golden(t, "testdata/statements.golden", b.String())
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Error(diff)
	}
}
