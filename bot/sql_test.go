package bot_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"

	"github.com/shipsql/shipsql/store/storetest"
)

func TestTheSQLIsPostgreSQLToo(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "sql.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			text, err := strconv.Unquote(literal.Value)
			if err != nil {
				t.Fatal(err)
			}
			statements = append(statements, text)
		}
		return true
	})
	if len(statements) < 20 {
		t.Errorf("only %d statements found", len(statements))
	}
	storetest.PreparesOnPostgres(t, os.DirFS("schema"), statements...)
}
