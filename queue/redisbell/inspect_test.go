package redisbell_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/privateserver"
	"github.com/shipsql/shipsql/internal/secret"
	"github.com/shipsql/shipsql/queue/redisbell"
)

func TestInspectTellsTheFacts(t *testing.T) {
	server := privateserver.OwnRedis(t)
	admin := client(t, server)
	want := redisbell.Facts{Mode: "standalone", Persistence: "none", Policy: "noeviction"}
	check := func() {
		t.Helper()
		got, err := redisbell.Inspect(t.Context(), secret.Literal(server.URL()))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got.Version, ".") {
			t.Errorf("version %q", got.Version)
		}
		want.Version = got.Version
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	check()
	do(t, admin, "CONFIG", "SET", "maxmemory", "64mb", "maxmemory-policy", "allkeys-lru", "save", "3600 1", "appendonly", "yes")
	want.MaxMemory, want.Policy, want.Persistence = 64<<20, "allkeys-lru", "rdb+aof"
	check()
	if !want.Evicts() || (redisbell.Facts{Policy: "allkeys-lru"}).Evicts() {
		t.Error("what may evict the stream is an allkeys policy under a limit")
	}
	do(t, admin, "ACL", "SETUSER", "default", "-config") // as managed servers do
	do(t, admin, "CLIENT", "KILL", "TYPE", "pubsub")     // any command: still let in
	want.Persistence = "aof"
	check()
	if err := server.Kill(); err != nil { // an orderly end would save first
		t.Fatal(err)
	}
}

func TestInspectSaysWhatIsWrongWithoutThePassword(t *testing.T) {
	server := privateserver.OwnRedis(t)
	wrong := with(t, server.URL(), func(u *url.URL, _ url.Values) { u.User = url.UserPassword("", "hunter2-wrong") })
	if err := server.Freeze(); err != nil {
		t.Fatal(err)
	}
	_, frozen := redisbell.Inspect(t.Context(), secret.Literal(server.URL()))
	if err := server.Thaw(); err != nil {
		t.Fatal(err)
	}
	_, denied := redisbell.Inspect(t.Context(), secret.Literal(wrong))
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	_, dead := redisbell.Inspect(t.Context(), secret.Literal(server.URL()))
	_, malformed := redisbell.Inspect(t.Context(), secret.Literal("redis://:hunter2-wrong@h:x"))
	for what, c := range map[string]struct {
		err  error
		code fault.Code
	}{
		"frozen": {frozen, fault.Unreachable}, "a wrong password": {denied, fault.Denied},
		"dead": {dead, fault.Unreachable}, "malformed": {malformed, fault.Invalid},
	} {
		if fault.CodeOf(c.err) != c.code || strings.Contains(c.err.Error(), "hunter2") || strings.Contains(c.err.Error(), server.Password()) {
			t.Errorf("%s: %v", what, c.err)
		}
	}
}
