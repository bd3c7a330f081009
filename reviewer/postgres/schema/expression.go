package schema

import (
	"slices"

	pg_query "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// NotNull returns the columns that an expression, if it holds, proves to be not
// null: a IS NOT NULL, alone or joined to others by AND.
func NotNull(expression *pg_query.Node) []string {
	if and := expression.GetBoolExpr(); and.GetBoolop() == pg_query.BoolExprType_AND_EXPR {
		var columns []string
		for _, arg := range and.GetArgs() {
			columns = append(columns, NotNull(arg)...)
		}
		return columns
	}
	test := expression.GetNullTest()
	if test.GetNulltesttype() != pg_query.NullTestType_IS_NOT_NULL {
		return nil
	}
	if name, ok := ColumnName(test.GetArg()); ok {
		return []string{name}
	}
	return nil
}

// ColumnName returns the column that an expression is, when it is nothing but
// one.
func ColumnName(expression *pg_query.Node) (string, bool) {
	fields := expression.GetColumnRef().GetFields()
	if len(fields) == 0 {
		return "", false
	}
	name := fields[len(fields)-1].GetString_().GetSval()
	return name, name != ""
}

// Columns returns the columns that an expression names, each once, in order.
func Columns(expression *pg_query.Node) []string {
	var columns []string
	Walk(expression, func(n *pg_query.Node) bool {
		if name, ok := ColumnName(n); ok && !slices.Contains(columns, name) {
			columns = append(columns, name)
		}
		return true
	})
	return columns
}

// Walk calls visit for a node and, where visit says so, for all nodes below it,
// parents first.
func Walk(n *pg_query.Node, visit func(*pg_query.Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	walkMessage(n.ProtoReflect(), visit)
}

// walkMessage walks the nodes in a message's fields. Reflection is slow, and
// used on expressions only, which are few and small.
func walkMessage(m protoreflect.Message, visit func(*pg_query.Node) bool) {
	m.Range(func(field protoreflect.FieldDescriptor, value protoreflect.Value) bool {
		if field.Message() == nil {
			return true
		}
		if !field.IsList() {
			walkValue(value.Message(), visit)
			return true
		}
		for i := range value.List().Len() {
			walkValue(value.List().Get(i).Message(), visit)
		}
		return true
	})
}

func walkValue(m protoreflect.Message, visit func(*pg_query.Node) bool) {
	if n, ok := m.Interface().(*pg_query.Node); ok {
		Walk(n, visit)
		return
	}
	walkMessage(m, visit)
}
