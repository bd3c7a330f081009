package config_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/internal/secret"
)

func nodes(t *testing.T) *config.File {
	t.Helper()
	file, err := config.Load("testdata/nodes.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPartsOfProcesses(t *testing.T) {
	for name, c := range map[string]struct {
		role  config.Role
		pools []string
		want  []string
	}{
		"all serves every pool":                 {config.RoleAll, nil, []string{"", "frankfurt", "virginia"}},
		"all with pools serves only those":      {config.RoleAll, []string{"virginia"}, []string{"virginia"}},
		"web runs no jobs":                      {config.RoleWeb, nil, nil},
		"a worker serves the default pool":      {config.RoleWorker, nil, []string{""}},
		"a pool's worker serves only its pools": {config.RoleWorker, []string{"frankfurt", "frankfurt"}, []string{"frankfurt"}},
		"a pool and the default one":            {config.RoleWorker, []string{"frankfurt", "default"}, []string{"frankfurt", ""}},
	} {
		part, err := nodes(t).Part(c.role, c.pools)
		if err != nil || part.Role != c.role || !cmp.Equal(part.Pools, c.want) {
			t.Errorf("%s: %+v, %v", name, part, err)
		}
	}
}

func TestPartRefusesWhatWouldNotBeServed(t *testing.T) {
	onFile := nodes(t)
	onFile.Store = secret.Literal("sqlite:shipsql.db")
	for name, c := range map[string]struct {
		file  *config.File
		role  config.Role
		pools []string
		says  string
	}{
		"an unknown pool":    {nodes(t), config.RoleWorker, []string{"frankfrut"}, `--pool frankfrut: no database has worker: frankfrut; did you mean "frankfurt"?`},
		"a foreign pool":     {nodes(t), config.RoleWorker, []string{"x"}, "known: default, frankfurt, virginia"},
		"no name":            {nodes(t), config.RoleWorker, []string{""}, "known: default, frankfurt, virginia"},
		"pools of web":       {nodes(t), config.RoleWeb, []string{"frankfurt"}, "leave out --pool"},
		"web on SQLite":      {onFile, config.RoleWeb, nil, "run with --role all"},
		"a worker on SQLite": {onFile, config.RoleWorker, nil, "run with --role all"},
		"pools on SQLite":    {onFile, config.RoleAll, []string{"frankfurt"}, "leave out --pool"},
	} {
		_, err := c.file.Part(c.role, c.pools)
		if fault.CodeOf(err) != fault.Invalid || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Each part needs the secrets of its own databases, and no others.
func TestReadSecretsIsOfThePart(t *testing.T) {
	t.Setenv("SHIPSQL_TEST_UNSET_4", "postgres://u@localhost/us")
	databases := []string{"databases test: url", "databases eu: url", "databases eu: review_url", "databases us: url"}
	for name, c := range map[string]struct {
		role  config.Role
		pools []string
		names []string // of databases, as they are missing
	}{
		"all":     {config.RoleAll, nil, []string{"databases test: url", "databases eu: url", "databases eu: review_url"}},
		"web":     {config.RoleWeb, nil, nil},
		"worker":  {config.RoleWorker, nil, []string{"databases test: url"}},
		"of pool": {config.RoleWorker, []string{"frankfurt", "virginia"}, []string{"databases eu: url", "databases eu: review_url"}},
	} {
		file := nodes(t)
		part, err := file.Part(c.role, c.pools)
		if err != nil {
			t.Fatal(err)
		}
		err = file.ReadSecrets(part)
		if err == nil || !strings.Contains(err.Error(), "providers github.com: webhook_secret: env:GH_SECRET_NEXT") {
			t.Errorf("%s: a missing webhook secret is not named in: %v", name, err)
			continue
		}
		var missing []string
		for _, database := range databases {
			if strings.Contains(err.Error(), database+":") {
				missing = append(missing, database)
			}
		}
		if diff := cmp.Diff(c.names, missing); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
