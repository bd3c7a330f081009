package postgres_test

import (
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/internal/fault"
)

func TestWhereItCannotRun(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	_, login := b.Login()
	for name, c := range map[string]struct {
		url  string
		code fault.Code
		says string
	}{
		"missing grants": {login, fault.Denied, `GRANT CREATE ON DATABASE`},
		"read only":      {b.URL + "&default_transaction_read_only=on", fault.Conflict, "read only"},
	} {
		_, err := openTarget(c.url).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": "create table a()"})})
		if fault.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b.MustApply(map[string]string{"1_a.sql": "create table a()"})
	if _, err := openTarget(login).Status(t.Context(), "", nil); fault.CodeOf(err) != fault.Denied {
		t.Errorf("status without grants: %v", err)
	}
}
