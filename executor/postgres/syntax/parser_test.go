package syntax_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/shipsql/shipsql/executor/postgres/syntax"
)

// The statements that make this test's workers misbehave.
const (
	crash   = "SELECT 'crash the worker'"
	exit    = "SELECT 'exit the worker'"
	hang    = "SELECT 'hang the worker'"
	devour  = "SELECT 'devour all memory'"
	garbage = "SELECT 'write garbage'"
)

func TestMain(m *testing.M) {
	syntax.Misbehave(func(sql string) {
		switch sql {
		case crash:
			_ = syscall.Kill(syscall.Getpid(), syscall.SIGSEGV)
			select {}
		case exit:
			os.Exit(3)
		case hang:
			time.Sleep(time.Hour)
		case devour:
			var hoard [][]byte
			for {
				hoard = append(hoard, make([]byte, 64<<20))
				hoard[len(hoard)-1][0] = 1
			}
		case garbage:
			_, _ = os.Stdout.Write([]byte{9, 255, 255, 255, 255, 255, 255, 255, 255})
		}
	})
	syntax.MaybeWorker()
	os.Exit(m.Run())
}

func newParser(t testing.TB, o syntax.Options) *syntax.Parser {
	t.Helper()
	p := syntax.NewParser(o)
	t.Cleanup(func() { _ = p.Close() })
	return p
}

func parse(t testing.TB, p *syntax.Parser, statements ...string) []syntax.Parsed {
	t.Helper()
	parsed, err := p.Parse(t.Context(), statements)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestParseGivesTreesInOrder(t *testing.T) {
	statements := make([]string, 1000) // several batches
	for i := range statements {
		statements[i] = fmt.Sprintf("CREATE TABLE t%d (id bigint)", i)
	}
	for i, got := range parse(t, newParser(t, syntax.Options{}), statements...) {
		if name := got.Tree.GetCreateStmt().GetRelation().GetRelname(); name != fmt.Sprintf("t%d", i) {
			t.Fatalf("statement %d: table %q, error %v", i, name, got.Err)
		}
	}
}

func TestParseWithoutStatement(t *testing.T) {
	for i, got := range parse(t, newParser(t, syntax.Options{}), "", "  -- nothing\n", "/* */") {
		if got.Tree != nil || got.Err != nil {
			t.Errorf("%d: got %v, %v; want neither", i, got.Tree, got.Err)
		}
	}
}

func TestSyntaxErrorsSayWhere(t *testing.T) {
	p := newParser(t, syntax.Options{})
	for _, c := range []struct{ sql, message, at string }{
		{"SELEC 1", `syntax error at or near "SELEC"`, "SELEC 1"},
		{"/* été € */ CREATE TABEL t ()", `syntax error at or near "TABEL"`, "TABEL t ()"},
		{"CREATE TABLE t (", "syntax error at end of input", ""},
		{"SELECT 1; SELECT 2", "several statements where one was expected", " SELECT 2"},
		{"SELECT '\x00'", "the statement holds a NUL byte", "\x00'"},
		{"SELECT 'é\xff'", "the statement is not valid UTF-8", "\xff'"},
	} {
		got := parse(t, p, c.sql)[0].Err
		if got == nil || got.Reason != syntax.Syntax || got.Message != c.message || c.sql[got.Offset:] != c.at {
			t.Errorf("%q: got %+v; want %q at %q", c.sql, got, c.message, c.at)
		}
	}
}

func TestGuards(t *testing.T) {
	p := newParser(t, syntax.Options{})
	repeat := strings.Repeat
	for _, c := range []struct {
		name, sql string
		want      syntax.Reason
	}{
		{"at the size limit", "SELECT '" + repeat("x", syntax.MaxStatement-9) + "'", ""},
		{"above the size limit", "SELECT '" + repeat("x", syntax.MaxStatement) + "'", syntax.TooLarge},
		{"many operators", "SELECT 1" + repeat("+1", syntax.MaxOperators), ""},
		{"too many operators", "SELECT 1" + repeat("+1", syntax.MaxOperators+1), syntax.TooLarge},
		{"too many set operations", "SELECT 1" + repeat(" UNION SELECT 1", syntax.MaxOperators+1), syntax.TooLarge},
		{"many rows with operators", "INSERT INTO t VALUES (-1)" + repeat(", (-1)", 3*syntax.MaxOperators), ""},
		{"deep", "SELECT " + repeat("(", syntax.MaxDepth) + "1" + repeat(")", syntax.MaxDepth), ""},
		{"too deep", "SELECT " + repeat("(", syntax.MaxDepth+1) + "1" + repeat(")", syntax.MaxDepth+1), syntax.TooDeep},
		{"brackets in a string", "SELECT '" + repeat("(", 2*syntax.MaxDepth) + "'", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got syntax.Reason
			if err := parse(t, p, c.sql)[0].Err; err != nil {
				got = err.Reason
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestAMisbehavingStatementCostsOnlyItself(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want syntax.Reason
	}{{crash, syntax.Crashed}, {exit, syntax.Crashed}, {devour, syntax.Crashed}, {garbage, syntax.Crashed}, {hang, syntax.TimedOut}} {
		t.Run(c.sql, func(t *testing.T) {
			p := newParser(t, syntax.Options{Workers: 2, Timeout: 3 * time.Second, Memory: 256 << 20})
			statements := []string{"SELECT 1", "SELECT 2", c.sql, "SELECT 3", c.sql, "SELECT 4"}
			if c.sql == hang {
				statements = statements[:4] // each costs a timeout
			}
			for i, got := range parse(t, p, statements...) {
				switch {
				case statements[i] != c.sql && got.Tree == nil:
					t.Errorf("%s: lost: %v", statements[i], got.Err)
				case statements[i] == c.sql && (got.Err == nil || got.Err.Reason != c.want):
					t.Errorf("%s: got %v, want %s", statements[i], got.Err, c.want)
				}
			}
			if parse(t, p, "SELECT 5")[0].Tree == nil {
				t.Error("the parser did not recover")
			}
		})
	}
}

func TestCancelledParseReturnsAtOnce(t *testing.T) {
	p := newParser(t, syntax.Options{Workers: 1, Timeout: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := p.Parse(ctx, []string{hang})
		done <- err
	}()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
	if parse(t, p, "SELECT 1")[0].Tree == nil {
		t.Error("the parser did not recover")
	}
}

func TestParseAfterClose(t *testing.T) {
	p := newParser(t, syntax.Options{})
	parse(t, p, "SELECT 1")
	if err := errors.Join(p.Close(), p.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Parse(t.Context(), []string{"SELECT 1"}); err == nil {
		t.Error("a closed parser parsed")
	}
}

func TestParserIsSafeForConcurrentUse(t *testing.T) {
	p := newParser(t, syntax.Options{Workers: 2})
	errs := make(chan error)
	const users = 8
	for i := range users {
		go func() {
			parsed, err := p.Parse(t.Context(), []string{fmt.Sprintf("DROP TABLE t%d", i), exit, "SELECT 1"})
			if err == nil && (parsed[0].Tree.GetDropStmt() == nil || parsed[1].Err == nil || parsed[2].Tree == nil) {
				err = fmt.Errorf("user %d got %v", i, parsed)
			}
			errs <- err
		}()
	}
	for range users {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"", ";", "SELECT 1", "CREATE INDEX i ON t (a)", "DO $$ BEGIN END $$", "SELECT '\x00", "\xff", "((((", "SELECT $1::int[]",
		"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END", "ALTER TABLE t ADD CHECK (a > 0) NOT VALID", "é€", "U&\"\\00e9\"",
	} {
		f.Add(seed)
	}
	p := newParser(f, syntax.Options{Workers: 1})
	f.Fuzz(func(t *testing.T, sql string) {
		got, err := p.Parse(context.Background(), []string{sql, "SELECT 1"})
		if err != nil {
			t.Fatal(err)
		}
		if got[1].Tree == nil {
			t.Fatalf("the next statement was lost: %v", got[1].Err)
		}
		if e := got[0].Err; e != nil && (e.Message == "" || e.Offset < -1 || e.Offset > len(sql)) {
			t.Fatalf("error %+v of %d bytes", e, len(sql))
		}
	})
}
