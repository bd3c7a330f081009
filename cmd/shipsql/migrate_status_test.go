package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// standing is what the contract of DESIGN §6 says of one migration, as lines
// "kind version state done/total".
func (s site) standing(flags string) (lines, states []string) {
	s.Helper()
	out := s.run("status --format json "+flags, exitOK, "", "")
	var r struct {
		Version         int
		Engine, History string
		Migrations      []map[string]any
		Summary         map[string]int
	}
	decoder := json.NewDecoder(strings.NewReader(out))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&r); err != nil || r.Version != 1 || r.Engine == "" || r.History != "default" {
		s.Fatalf("%v: %s", err, out)
	}
	counted := map[string]int{}
	for _, m := range r.Migrations {
		for _, key := range []string{"version", "name", "path", "kind", "state", "checksum", "applied_at", "duration_ms", "done", "total", "release"} {
			if _, has := m[key]; !has {
				s.Errorf("lacks %s: %v", key, m)
			}
		}
		state := m["state"].(string)
		if state == "applied" && m["applied_at"] == nil {
			s.Errorf("lacks applied_at: %v", m)
		}
		lines = append(lines, fmt.Sprintf("%v %v %v %v/%v", m["kind"], m["version"], state, m["done"], m["total"]))
		states = append(states, state)
		counted[state]++
	}
	if diff := cmp.Diff(counted, r.Summary); diff != "" {
		s.Errorf("summary: %s", diff)
	}
	return lines, states
}

// TestStatusTellsEveryState brings migrations into every state and kind of the
// contract, on both products.
func TestStatusTellsEveryState(t *testing.T) {
	both(t, "flyway", func(t *testing.T, product string) {
		s := site{t, products[product](t), migrationsIn(t, map[string]string{
			"B1__all.sql": "create table one(id int)", "V1__one.sql": "create table one(id int)",
			"V2__changed.sql": "create table two(id int)", "V3__missing.sql": "create table three(id int)", "V4__skipped.sql": "no sql at all",
			"V5__undone.sql": "create table five(id int)", "U5__undone.sql": "drop table five",
			"R__kept.sql": "create or replace view kept as select 1 as n", "R__edited.sql": "create or replace view edited as select 1 as n",
		})}
		byHand(t, s.url, "create table one(id int)")
		s.run("baseline --to 1", exitOK, "", "")
		s.run("skip 4 --reason broken", exitOK, "", "")
		s.run("up --out-of-order", exitOK, "5 applied", "")
		s.run("down --to 4 --yes", exitOK, "1 taken back", "")
		if err := os.Remove(filepath.Join(s.dir, "V3__missing.sql")); err != nil {
			t.Fatal(err)
		}
		s.write("V2__changed.sql", "create table two(id bigint)")
		s.write("R__edited.sql", "create or replace view edited as select 1 as n where true")
		s.write("V6__pending.sql", "create table six(id int)")
		lines, _ := s.standing("--layout flyway")
		want := []string{
			"versioned 1 baseline 0/1", "baseline 1 skipped 0/1", "versioned 2 changed 1/1", "versioned 3 missing 0/0", "versioned 4 skipped 0/1", "versioned 5 undone 0/1",
			"versioned 6 pending 0/1", "repeatable R__edited pending 1/1", "repeatable R__kept applied 1/1",
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Error(diff)
		}
	})
}

func TestStatusTellsWhatIsUnfinished(t *testing.T) {
	for product, files := range map[string]map[string]string{
		"postgres": {
			"1_a.sql": "create table a(id int);\ninsert into a values (1), (1);\ncreate unique index concurrently on a(id);\ncreate table b()",
			"2_b.sql": "-- shipsql: transaction=off\ncreate procedure p() language plpgsql as 'begin commit; perform 1/0; end';\ncall p();",
		},
		"mariadb": {"1_a.sql": "create table a(id int);\nalter table a add column id int;\ncreate table b(id int)"},
	} {
		t.Run(product, func(t *testing.T) {
			s := site{t, products[product](t), migrationsIn(t, files)}
			s.run("up", exitFail, "", "")
			_, states := s.standing("")
			if states[0] != "partial" {
				t.Errorf("%v", states)
			}
			if product == "mariadb" {
				return
			}
			s.write("1_a.sql", strings.Replace(files["1_a.sql"], "unique ", "", 1))
			s.run("up", exitAmbiguous, "", "")
			lines, _ := s.standing("")
			if diff := cmp.Diff([]string{"versioned 1 applied 4/4", "versioned 2 ambiguous 1/2"}, lines); diff != "" {
				t.Error(diff)
			}
		})
	}
}
