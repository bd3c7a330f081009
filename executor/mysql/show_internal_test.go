package mysql

import (
	"testing"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

func TestNormal(t *testing.T) {
	t.Parallel()
	const want = "CREATE TRIGGER halls_size BEFORE INSERT ON halls FOR EACH ROW SET NEW.size = (SELECT max(n) FROM other.shop), @x = 'mytown.t'"
	for _, text := range []string{
		"CREATE TRIGGER halls_size BEFORE INSERT ON halls FOR EACH ROW SET NEW.size = (SELECT max(n) FROM other.shop), @x = 'mytown.t'",
		"CREATE TRIGGER town.halls_size BEFORE INSERT ON town . halls FOR EACH ROW SET NEW.size = (SELECT max(n) FROM other.shop), @x = 'mytown.t'",
		"CREATE TRIGGER `scratch`.`halls_size` BEFORE INSERT ON `scratch`.`halls` FOR EACH ROW SET NEW.size = (SELECT max(n) FROM other.shop), @x = 'mytown.t'",
	} {
		if got := normal(text, syntax.Trigger, "scratch", "town"); got != want {
			t.Errorf("%s\nbecame %s", text, got)
		}
	}
}
