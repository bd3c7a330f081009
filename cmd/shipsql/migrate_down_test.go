package main

import (
	"strings"
	"testing"
)

func TestDown(t *testing.T) {
	for product, database := range products {
		t.Run(product, func(t *testing.T) {
			s := site{t, database(t), migrationsIn(t, map[string]string{
				"1_a.sql": "create table a(id int, b int)", "1_a.down.sql": "drop table a",
				"2_b.sql": "create table b(id int)", "2_b.undo.sql": "insert into b values (1);\n\ndrop table b;\n",
				"3_c.sql": "alter table a add column c int", "3_c.down.sql": "alter table a drop column c",
			})}
			s.run("down", exitOK, "0 taken back", "") // nothing is applied
			if product == "mariadb" {
				s.run("up --set-role owner", exitUsage, "", "--set-role is PostgreSQL's")
			}
			s.run("up --online assert", exitOK, "3 applied", "")
			s.run("down", exitFail, "would undo  "+s.dir+"/3_c.down.sql", "add --yes")
			s.run("undo --yes", exitOK, s.dir+"/3_c.down.sql  1 statement", "")
			s.run("status", exitOK, "undone   3", "")
			s.run("up --dry-run", exitOK, "1 would be applied", "")
			s.run("up", exitOK, "1 applied, 2 already there", "")

			out := s.run("down --to 1 --yes", exitOK, "2 taken back", "")
			if strings.Index(out, "3_c.down.sql") > strings.Index(out, "2_b.undo.sql") {
				t.Errorf("not newest first: %s", out)
			}
			s.run("down --to 7 --yes", exitUsage, "", "no version 7")
			s.run("down --to 0 --yes", exitOK, "1 taken back", "")
			s.run("down --to 0 --yes", exitOK, "0 taken back", "")
			s.run("up", exitOK, "3 applied", "")

			s.write("3_c.down.sql", "alter table a drop column no_such;")
			got := s.run("down --to 1 --yes --format json", exitFail, `"outcome":"would_undo"`, "statement 1: ")
			for _, want := range []string{`"line":1`, `"statement":1`, `"left":"this file is applied; the ledger has: 3 applied"`, `"next":"correct the down part of`, `"loses":["alter table a drop column no_such"]`} {
				if !strings.Contains(got, want) {
					t.Errorf("lacks %s: %s", want, got)
				}
			}
			s.run("status", exitOK, "applied  3", "")
		})
	}
}

// A file may be renamed from 2 to 002.
func TestDownOfARenamedFile(t *testing.T) {
	for product, database := range products {
		t.Run(product, func(t *testing.T) {
			s := site{t, database(t), migrationsIn(t, map[string]string{"2_b.sql": "create table b(id int)", "2_b.down.sql": "drop table b"})}
			s.run("up", exitOK, "1 applied", "")
			s.dir = migrationsIn(t, map[string]string{"002_b.sql": "create table b(id int)", "002_b.down.sql": "drop table b"})
			s.run("down --yes", exitOK, "1 taken back", "")
		})
	}
}

func TestDownRefuses(t *testing.T) {
	for product, database := range products {
		t.Run(product, func(t *testing.T) {
			s := site{t, database(t), migrationsIn(t, map[string]string{
				"1_a.sql": "create table a(id int)", "2_b.sql": "create table b(id int)", "2_b.down.sql": "drop table b",
			})}
			byHand(t, s.url, "create table a(id int)")
			s.run("baseline --to 1", exitOK, "", "")
			s.run("up", exitOK, "1 applied", "")
			s.run("down --to 0 --yes", exitFail, "", "there is no down file for "+s.dir+"/1_a.sql")
			s.run("down --yes", exitOK, "1 taken back", "")
			s.write("1_a.down.sql", "drop table a")
			s.run("down --yes", exitOK, "1 taken back", "") // another tool applied it, and its way back is there
			s.run("status", exitOK, "undone  1", "")
		})
	}
}
