package mysql

import (
	"context"
	"slices"
	"strings"

	"github.com/shipsql/shipsql/executor"
)

const settingsSQL = `SHOW GLOBAL VARIABLES WHERE Variable_name IN ('sql_mode', 'default_storage_engine', 'log_bin', 'log_bin_trust_function_creators')`

// settings finds what the server's configuration makes of migrations.
func (i *inspector) settings(ctx context.Context) error {
	if refused := i.facts.refuse(); refused != nil && !i.facts.on("read_only") && !i.facts.on("super_read_only") && !i.facts.on("innodb_read_only") {
		i.Obstacles = append(i.Obstacles, executor.Obstacle{What: refused.Message, Why: "no migration can be applied", Fix: refused.Next, Final: true})
	}
	all := facts{}
	err := i.session.each(ctx, func(scan func(...any) error) error {
		var name, value string
		err := scan(&name, &value)
		all[strings.ToLower(name)] = value
		return err
	}, settingsSQL)
	if err != nil {
		return err
	}
	i.Obstacles = append(i.Obstacles, traps(all)...)
	return nil
}

// traps are settings under which a migration does something else than it says.
// https://dev.mysql.com/doc/refman/8.4/en/sql-mode.html
// https://mariadb.com/kb/en/sql-mode/
func traps(f facts) []executor.Obstacle {
	var found []executor.Obstacle
	add := func(wrong bool, what, why, fix string) {
		if wrong {
			found = append(found, executor.Obstacle{What: what, Why: why, Fix: fix})
		}
	}
	modes := strings.Split(strings.ToUpper(f["sql_mode"]), ",")
	has := func(mode string) bool { return slices.Contains(modes, mode) }
	add(!has("STRICT_TRANS_TABLES") && !has("STRICT_ALL_TABLES"), "its sql_mode is not strict",
		"values that don't fit are cut without an error, also by a migration", "add STRICT_TRANS_TABLES to the server's sql_mode")
	for _, mode := range []string{"NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ORACLE"} {
		add(has(mode), "its sql_mode has "+mode, "the same text is other SQL there: the review, and the way files are taken apart, follow the default",
			"take "+mode+" out of the server's sql_mode, or out of the login's session")
	}
	add(f["default_storage_engine"] != "" && !strings.EqualFold(f["default_storage_engine"], "InnoDB"),
		"its default storage engine is "+f["default_storage_engine"], "tables without ENGINE= hold rows that no transaction rolls back",
		"set default_storage_engine to InnoDB, or write ENGINE=InnoDB")
	add(f.on("log_bin") && !f.on("log_bin_trust_function_creators"), "log_bin_trust_function_creators is off while the binary log is on",
		"CREATE FUNCTION and CREATE TRIGGER fail for logins without SUPER", "turn log_bin_trust_function_creators on, if migrations make functions or triggers")
	return found
}
