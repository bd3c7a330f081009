package syntax_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor/mysql/syntax"
)

// What a version comment holds is code, a comment, or for the server to decide.
func TestVersionCommentsRunWhereEveryServerRunsThem(t *testing.T) {
	const code, comment, open = "code", "comment", "open"
	for head, want := range map[string]map[syntax.Flavour]string{
		"/*!":        {syntax.MySQL: code, syntax.MariaDB: code},
		"/*!50001":   {syntax.MySQL: code, syntax.MariaDB: code},
		"/*!50699":   {syntax.MySQL: code, syntax.MariaDB: code},
		"/*!50700":   {syntax.MySQL: code, syntax.MariaDB: comment},
		"/*!80000":   {syntax.MySQL: code, syntax.MariaDB: comment},
		"/*!80001":   {syntax.MySQL: open, syntax.MariaDB: comment},
		"/*!99999":   {syntax.MySQL: open, syntax.MariaDB: comment},
		"/*!100600":  {syntax.MySQL: open, syntax.MariaDB: code},
		"/*!100601":  {syntax.MySQL: open, syntax.MariaDB: open},
		"/*M!":       {syntax.MySQL: comment, syntax.MariaDB: code},
		"/*M!100600": {syntax.MySQL: comment, syntax.MariaDB: code},
		"/*M!110200": {syntax.MySQL: comment, syntax.MariaDB: open},
		"/*":         {syntax.MySQL: comment, syntax.MariaDB: comment},
	} {
		for flavour, want := range want {
			s := syntax.Parse("DROP TABLE a "+head+" , b */", flavour)
			got := comment
			switch {
			case !s.Understood:
				got = open
			case len(s.Objects) == 2:
				got = code
			}
			if got != want {
				t.Errorf("%s on %s is %s, want %s", head, flavour, got, want)
			}
		}
	}
}
