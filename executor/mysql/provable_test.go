package mysql_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/executor"
	"github.com/shipsql/shipsql/executor/enginetest"
	"github.com/shipsql/shipsql/executor/mysql"
	"github.com/shipsql/shipsql/internal/faultproxy"
	"github.com/shipsql/shipsql/internal/secret"
)

// provable are statements whose outcome the catalog can tell, on the objects that
// furniture makes.
var provable = []string{
	"alter table a add column x int default 7 after id, add index (x)",
	"alter table a drop column n, comment 'AUTO_INCREMENT=5 '",
	"alter table a modify column n varchar(300) not null default 'it''s'",
	"alter table a change column n m bigint, rename index by_n to by_m",
	"alter table a rename to c",
	"alter table a add constraint positive check (n > -1), add column g int as (n + 1) stored",
	"alter table a convert to character set latin1",
	"alter table b add constraint parent foreign key (a_id) references a (id) on delete cascade",
	"alter table p add partition (partition p2 values less than (30))",
	"alter table p drop partition p0",
	"create table c(id int auto_increment primary key, a_id int, what json, foreign key (a_id) references a (id)) comment='it''s; new'",
	"create table c like a",
	"create unique index nth on a(n, id)",
	"create fulltext index words on b(what)",
	"drop index by_n on a",
	"drop table b",
	"drop table b, p",
	"rename table a to c, b to d",
	"create view w as select a.id, b.what from a join b on b.a_id = a.id where a.n > 0",
	"drop view v",
	"create trigger counted after insert on a for each row begin insert into b(what) values ('x; y'); end",
	"drop trigger seen",
	"create procedure twice(in n int) begin update a set n = n * 2; select 1; end",
	"create function half(n int) returns int deterministic return n / 2",
	"drop procedure p1",
	"create sequence s2 start with 5 increment by 3",
	"alter sequence s increment by 7",
	"drop sequence s",
	"drop event later",
}

var furniture = []string{
	"create table a(id int auto_increment primary key, n int, key by_n (n))", "insert into a(n) values (1), (2)",
	"create table b(id int primary key auto_increment, a_id int, what varchar(40))",
	"create table p(n int) partition by range (n) (partition p0 values less than (10), partition p1 values less than (20))",
	"create view v as select n from a", "create trigger seen before update on a for each row set @seen = new.id",
	"create procedure p1() select 1", "create event later on schedule at '2037-01-01 00:00:00' do select 1",
}

// Whatever the moment of a cut, the engine finds out by itself what became of the
// statement, and leaves what an uncut run leaves.
func TestOutcomesThatTheCatalogTells(t *testing.T) {
	t.Parallel()
	everywhere(t, func(t *testing.T, e enginetest.Engine) {
		mariadb := e.Name() == mysql.MariaDB
		for n, text := range provable {
			if strings.Contains(text, "sequence") && !mariadb {
				continue
			}
			t.Run(text, func(t *testing.T) {
				t.Parallel()
				uncut := leftBehind(t, e, text, nil)
				moments := []faultproxy.When{faultproxy.After}
				if n%3 == 0 || enginetest.Torture(t) > 1 {
					moments = append(moments, faultproxy.Before)
				}
				for _, when := range moments {
					cut := &faultproxy.Cut{When: when, Match: func(_ int, chunk []byte) bool { return bytes.HasSuffix(chunk, []byte("\x03"+text)) }}
					if left := leftBehind(t, e, text, cut); left != uncut {
						t.Errorf("cut %d: %s\nuncut: %s", when, left, uncut)
					}
				}
			})
		}
	})
}

// leftBehind runs a statement on the furniture through a wire that is cut, and
// returns what is there then.
func leftBehind(t *testing.T, e enginetest.Engine, text string, cut *faultproxy.Cut) string {
	t.Helper()
	b := &bench{e.NewBench(t), t}
	b.Exec(furniture...)
	if e.Name() == mysql.MariaDB {
		b.Exec("create sequence s")
	}
	proxy, through := b.BehindProxy()
	proxy.Arm(cut)
	if _, err := e.Open(secret.Literal(through)).Apply(t.Context(), executor.Run{Migrations: load(t, map[string]string{"1_a.sql": text}), Limits: patient}); err != nil {
		t.Fatal(explain(err))
	}
	if proxy.Armed() {
		t.Error("never cut")
	}
	return b.Query("select state, stmt_hash, json_extract(convert(post using utf8mb4), '$.objects[*].print') from shipsql_steps") + b.schema()
}

// schema is what information_schema shows of the database.
func (b *bench) schema() string {
	b.t.Helper()
	var all []string
	for _, q := range []string{
		"select table_name, table_type, engine, table_collation, table_comment, create_options from information_schema.tables where table_schema = database() and table_name not like 'shipsql%'",
		"select table_name, column_name, ordinal_position, column_type, column_default, is_nullable, extra from information_schema.columns where table_schema = database() and table_name not like 'shipsql%'",
		"select table_name, concat(index_name, '#', seq_in_index), column_name, non_unique from information_schema.statistics where table_schema = database() and table_name not like 'shipsql%'",
		"select table_name, partition_name from information_schema.partitions where table_schema = database() and table_name not like 'shipsql%' and partition_name is not null",
		"select routine_name, routine_definition from information_schema.routines where routine_schema = database()",
		"select trigger_name, action_statement from information_schema.triggers where trigger_schema = database()",
	} {
		all = append(all, b.Query(q+" order by 1, 2"))
	}
	return strings.ReplaceAll(fmt.Sprint(all), b.Query("select database()"), "db")
}
