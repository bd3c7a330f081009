package syntax

import "strings"

// ChangesRows says that the statement is one of those that write rows and can
// share a transaction.
func (k Kind) ChangesRows() bool {
	return k == Insert || k == Update || k == Delete || k == Replace
}

// ChangesSchema says that the statement makes, changes or removes something
// that SHOW CREATE shows, and so commits implicitly.
func (k Kind) ChangesSchema() bool {
	head, _, _ := strings.Cut(string(k), " ")
	switch head {
	case "CREATE", "ALTER", "DROP", "RENAME", "TRUNCATE":
		return k != Account
	}
	return false
}
