package deploy_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/shipsql/shipsql/store"
	"github.com/shipsql/shipsql/store/storetest"
)

// Every SQL text of this package must be understood by PostgreSQL too, so the
// test reads them out of the source: constant strings, with stand-ins for the
// few parts that are made at run time.
func TestTheSQLIsPostgreSQLToo(t *testing.T) {
	s := source{consts: map[string]string{
		"store.Rows(len(tasks), taskWidth)": store.Rows(2, 14), "store.Rows(len(notes), auditWidth)": store.Rows(2, 11),
		"store.Rows(len(part)/outcomeWidth, outcomeWidth)": store.Rows(2, 10), "ended": "($1, cast($2 AS bigint), $3, $4, $5, cast($6 AS bigint), cast($7 AS bigint))",
		"those": "$1", "placeholders": "$1, $2", "values": "($5, $1, $2, $3, $6, 'waiting', 0, '', '', 0, $4, 0, 0, $7)", "sc.where": "project = $1", "sc.releases()": "release IN (SELECT id FROM deploy_releases WHERE project = $1)",
	}}
	paths, err := filepath.Glob("*.go")
	must(t, err)
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		must(t, err)
		ast.Inspect(file, s.constants)
		files = append(files, file)
	}
	for _, file := range files {
		ast.Inspect(file, s.statements)
	}
	if len(s.found) < 50 {
		t.Errorf("only %d statements found", len(s.found))
	}
	storetest.PreparesOnPostgres(t, os.DirFS("schema"), s.found...)
}

// source collects the SQL of Go files.
type source struct {
	consts map[string]string // by name, or by expression for what is made at run time
	found  []string
}

func (s *source) constants(n ast.Node) bool {
	spec, ok := n.(*ast.ValueSpec)
	if !ok || len(spec.Values) != 1 {
		return true
	}
	if text, ok := s.fold(spec.Values[0]); ok {
		s.consts[spec.Names[0].Name] = text
	}
	return true
}

func (s *source) statements(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		for _, arg := range n.Args {
			s.statement("", arg)
		}
	case *ast.CompositeLit:
		if name, ok := n.Type.(*ast.Ident); ok && name.Name == "scope" && len(n.Elts) == 2 {
			s.statement("SELECT id FROM deploy_releases WHERE ", n.Elts[0])
		}
	}
	return true
}

func (s *source) statement(before string, e ast.Expr) {
	text, ok := s.fold(e)
	text = strings.TrimSpace(before + text)
	verb, _, _ := strings.Cut(text, " ")
	if ok && slices.Contains([]string{"SELECT", "WITH", "INSERT", "UPDATE", "DELETE"}, verb) && strings.Contains(text, " deploy_") {
		s.found = append(s.found, text)
	}
}

// fold is the value of an expression of constant strings.
func (s *source) fold(e ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.BinaryExpr:
		left, okLeft := s.fold(e.X)
		right, okRight := s.fold(e.Y)
		return left + right, okLeft && okRight && e.Op == token.ADD
	}
	text, ok := s.consts[types.ExprString(e)]
	return text, ok
}
