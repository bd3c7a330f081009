package script_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/executor/script"
)

func TestDirectives(t *testing.T) {
	const sql = `-- shipsql: transaction=off lock_timeout=1s
--shipsql: ignore=drop-table reason="nobody reads it"
create table a (
  -- shipsql: ignore=inside
  id int
);
select '-- shipsql: not=this', $$
-- shipsql: nor=this
$$;
/* -- shipsql: nor=that */
-- shipsql: statement_timeout=30s ignore=next reason=because
drop table b; -- shipsql: batch=100
delete from c;
`
	got, faults := script.Form{}.Directives(sql, script.Form{}.Split(sql))
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []script.Directive{
		{Key: "transaction", Value: "off", Statement: script.WholeFile, Line: 1, Column: 13},
		{Key: "lock_timeout", Value: "1s", Statement: script.WholeFile, Line: 1, Column: 29},
		{Key: "ignore", Value: "drop-table", Reason: "nobody reads it", Statement: script.WholeFile, Line: 2, Column: 12},
		{Key: "ignore", Value: "inside", Statement: 0, Line: 4, Column: 15},
		{Key: "statement_timeout", Value: "30s", Statement: 2, Line: 11, Column: 13},
		{Key: "ignore", Value: "next", Reason: "because", Statement: 2, Line: 11, Column: 35},
		{Key: "batch", Value: "100", Statement: 3, Line: 12, Column: 27},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestBadDirectivesAreAllToldAtOnce(t *testing.T) {
	const sql = `-- shipsql: transacton=off kind=dd
select 1;
-- shipsql: transaction=off
-- shipsql: reason="of nothing"
-- shipsql: lock_timeout=5 ="
-- shipsql: ignore
select 2;
-- shipsql: sleep=1s`
	_, faults := script.Form{}.Directives(sql, script.Form{}.Split(sql))
	var got []string
	for _, f := range faults {
		got = append(got, f.Error())
	}
	want := []string{
		`1:13: unknown directive "transacton"; did you mean transaction?`,
		`1:28: kind=dd is no valid directive; write kind=ddl or kind=dml`,
		`3:13: transaction holds for the whole file; write it before the first statement`,
		`4:13: reason stands alone; write it behind what it explains: ignore=RULE reason="…"`,
		`5:13: lock_timeout=5 is no valid directive; write lock_timeout=500ms`,
		`5:27: can't read the directive "=\""; write -- shipsql: key=value …, with quotes around a value with spaces`,
		`6:13: ignore= is no valid directive; write ignore=RULE reason="…"`,
		`8:13: sleep stands behind the last statement; write it before or inside the one it is for`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
