package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestConfigValidateExitsByWhatItFinds(t *testing.T) {
	unreadable := filepath.Join(t.TempDir(), "absent.yaml")
	for _, c := range []struct {
		name     string
		args     []string
		code     int
		out, err string
	}{
		{"valid", []string{"config", "validate", "config/testdata/full.yaml"}, exitOK, "is valid: 2 databases", ""},
		{"invalid", []string{"config", "validate", "config/testdata/invalid/gates.yaml"}, exitFail, "", "gates.yaml:8:5: environments[1].approvals"},
		{"secrets missing", []string{"config", "validate", "--secrets", "config/testdata/full.yaml"}, exitFail, "", "env:ORDERS_TEST"},
		{"web needs no database's secrets", []string{"config", "validate", "--secrets", "--role", "web", "config/testdata/nodes.yaml"}, exitFail, "", "webhook_secret: env:GH_SECRET_NEXT"},
		{"a pool's secrets", []string{"config", "validate", "--secrets", "--role", "worker", "--pool", "virginia", "config/testdata/nodes.yaml"}, exitFail, "", "databases us: url: env:SHIPSQL_TEST_UNSET_4"},
		{"a pool", []string{"config", "validate", "--role", "worker", "--pool", "virginia", "config/testdata/nodes.yaml"}, exitOK, "is valid: 3 databases", ""},
		{"an unknown pool", []string{"config", "validate", "--role", "worker", "--pool", "virgina", "config/testdata/nodes.yaml"}, exitFail, "", `did you mean "virginia"?`},
		{"split roles on SQLite", []string{"serve", "--role", "web", "--config", "config/testdata/small.yaml"}, exitFail, "", "run with --role all"},
		{"an unknown role", []string{"serve", "--role", "wroker", "--config", "config/testdata/nodes.yaml"}, exitUsage, "", "must be one of"},
		{"unreadable", []string{"config", "validate", unreadable}, exitUsage, "", "can't read the configuration"},
		{"two files", []string{"config", "validate", "a", "b"}, exitUsage, "", "unexpected argument"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, err := shipsql(t, c.args...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(err, c.err) {
				t.Errorf("exit %d, out %q, err %q; want %d, %q, %q", code, out, err, c.code, c.out, c.err)
			}
		})
	}
}

func TestConfigSchemaPrintsJSON(t *testing.T) {
	code, out, _ := shipsql(t, "config", "schema")
	if code != exitOK || !json.Valid([]byte(out)) {
		t.Errorf("exit %d, %d bytes that aren't JSON", code, len(out))
	}
}

func shipsql(t *testing.T, args ...string) (code int, out, err string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(args, &terminal{ctx: t.Context(), in: os.Stdin, out: &stdout, err: &stderr})
	return code, stdout.String(), stderr.String()
}
