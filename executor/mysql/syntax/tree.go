package syntax

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	_ "github.com/pingcap/tidb/pkg/parser/test_driver" // makes the tree's literals; its name is misleading

	"github.com/shipsql/shipsql/executor/catalog"
	"github.com/shipsql/shipsql/executor/mysql/token"
)

// What the parser is not given: walking its tree recurses once for each level of
// parentheses and each operator of a chain, and a stack that overflows ends the
// process.
const (
	maxParsed = 1 << 20 // bytes; it takes about 0.2 s
	maxDepth  = 100     // parentheses in parentheses
	maxChain  = 1000    // operators without a comma between them
)

var errTooLarge = errors.New("the statement is too large or too deeply nested to be parsed")

var parsers = map[Flavour]*sync.Pool{
	MySQL:   {New: func() any { return newParser(false) }},
	MariaDB: {New: func() any { return newParser(true) }},
}

func newParser(mariadb bool) *parser.Parser {
	p := parser.New()
	p.SetMariaDB(mariadb)
	return p
}

// parse makes a tree of one statement. A panic of the parser is an error; such
// a parser is not used again.
func parse(sql string, flavour Flavour) (tree ast.StmtNode, err error) {
	defer func() {
		if problem := recover(); problem != nil {
			tree, err = nil, fmt.Errorf("the parser broke: %v", problem)
		}
	}()
	if tooLarge(sql) {
		return nil, errTooLarge
	}
	pool := parsers[flavour]
	if pool == nil {
		pool = parsers[MySQL]
	}
	p, _ := pool.Get().(*parser.Parser)
	tree, err = p.ParseOneStmt(sql, "", "")
	pool.Put(p)
	return tree, err
}

// tooLarge says that a statement is not for the parser.
func tooLarge(sql string) bool {
	if len(sql) > maxParsed {
		return true
	}
	lexer := token.Lexer{Text: sql}
	depth, chain := 0, 0
	for {
		t := lexer.Next()
		switch {
		case t.Kind == token.End:
			return false
		case t.Kind == token.Mark && sql[t.Start] == ',':
			chain = 0
		case t.Kind == token.Mark && sql[t.Start] == '(':
			depth++
		case t.Kind == token.Mark && sql[t.Start] == ')':
			depth--
		case t.Kind == token.Mark || t.Kind == token.Word && chains[strings.ToUpper(t.In(sql))]:
			chain++
		}
		if depth > maxDepth || chain > maxChain {
			return true
		}
	}
}

// chains are words that nest what stands before or behind them.
var chains = map[string]bool{
	"AND": true, "OR": true, "XOR": true, "NOT": true, "DIV": true, "MOD": true, "LIKE": true, "REGEXP": true, "RLIKE": true, "IS": true,
	"COLLATE": true, "BINARY": true, "INTERVAL": true, "UNION": true, "EXCEPT": true, "INTERSECT": true, "JOIN": true, "STRAIGHT_JOIN": true,
	"CASE": true, "WHEN": true, "BETWEEN": true, "IN": true, "SELECT": true, "ESCAPE": true, "SOUNDS": true, "MEMBER": true, "USING": true,
}

// seen is what a tree names.
type seen struct {
	tables    []*ast.TableName
	aliases   map[*ast.TableName]bool // of DELETE a, b FROM …: names given in its FROM
	functions []string
	columns   []*ast.ColumnName
	ctes      map[string]bool // common table expressions
	qualified bool            // a function or a column is named with its schema
}

// Enter is ast.Visitor's.
func (s *seen) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.TableName:
		s.tables = append(s.tables, n)
	case *ast.DeleteStmt:
		if n.Tables != nil {
			s.aliases = map[*ast.TableName]bool{}
			for _, t := range n.Tables.Tables {
				s.aliases[t] = true
			}
		}
	case *ast.CommonTableExpression:
		if s.ctes == nil {
			s.ctes = map[string]bool{}
		}
		s.ctes[n.Name.L] = true
	case *ast.ColumnName:
		s.columns = append(s.columns, n)
		s.qualified = s.qualified || n.Schema.L != ""
	case *ast.FuncCallExpr:
		s.functions = append(s.functions, n.FnName.L)
		s.qualified = s.qualified || n.Schema.L != ""
	case *ast.AggregateFuncExpr:
		s.functions = append(s.functions, strings.ToLower(n.F))
	case *ast.WindowFuncExpr:
		s.functions = append(s.functions, strings.ToLower(n.Name))
	}
	return n, false
}

// Leave is ast.Visitor's.
func (s *seen) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// look gathers what a tree names. Common table expressions are no tables.
func look(tree ast.StmtNode) (s seen) {
	tree.Accept(&s)
	s.tables = slices.DeleteFunc(s.tables, func(t *ast.TableName) bool { return s.aliases[t] || s.isCTE(t) })
	return s
}

func (s *seen) isCTE(t *ast.TableName) bool {
	return t.Schema.L == "" && s.ctes[t.Name.L]
}

func nameOf(t *ast.TableName) catalog.Name { return catalog.Name{Schema: t.Schema.O, Name: t.Name.O} }

// written are the tables whose rows a statement changes.
func written(tree ast.StmtNode) []*ast.TableName {
	switch n := tree.(type) {
	case *ast.InsertStmt:
		return joined(n.Table.TableRefs)
	case *ast.UpdateStmt:
		return joined(n.TableRefs.TableRefs) // in a join, any of them may be
	case *ast.DeleteStmt:
		if n.Tables == nil {
			return joined(n.TableRefs.TableRefs)
		}
		return deleted(n)
	}
	return nil
}

// joined are the tables of a join, without those of queries in it.
func joined(node ast.ResultSetNode) []*ast.TableName {
	switch n := node.(type) {
	case *ast.Join:
		if n == nil {
			return nil
		}
		return append(joined(n.Left), joined(n.Right)...)
	case *ast.TableSource:
		return joined(n.Source)
	case *ast.TableName:
		return []*ast.TableName{n}
	}
	return nil
}

// deleted are the tables of DELETE a, b FROM …, where a and b may be aliases.
func deleted(n *ast.DeleteStmt) []*ast.TableName {
	aliases := map[string]*ast.TableName{}
	collectAliases(n.TableRefs.TableRefs, aliases)
	var tables []*ast.TableName
	for _, t := range n.Tables.Tables {
		if meant := aliases[t.Name.L]; meant != nil && t.Schema.L == "" {
			t = meant
		}
		tables = append(tables, t)
	}
	return tables
}

func collectAliases(node ast.ResultSetNode, aliases map[string]*ast.TableName) {
	switch n := node.(type) {
	case *ast.Join:
		if n != nil {
			collectAliases(n.Left, aliases)
			collectAliases(n.Right, aliases)
		}
	case *ast.TableSource:
		if t, ok := n.Source.(*ast.TableName); ok {
			aliases[t.Name.L] = t
			if n.AsName.L != "" {
				aliases[n.AsName.L] = t
			}
		}
	}
}
