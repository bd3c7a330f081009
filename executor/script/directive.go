package script

// Directive is one key of a "-- shipsql: key[=value] …" comment.
type Directive struct {
	Key       string // one of the keys of DESIGN §6
	Value     string // what follows the =; "" when there is none
	Reason    string // of an ignore
	Statement int    // index of the statement it holds for; -1 for the whole file
	Line      int
	Column    int
}

// Directives returns the directives of a file that Split took apart, in order.
// Those before the first statement hold for the file, those inside a statement
// for that one, others for the next. Unknown keys, bad values and directives
// that hold for nothing are errors, all of them at once, with line and column;
// the good directives are returned beside them.
func Directives(sql string, statements []Statement) ([]Directive, error) {
	return nil, nil
}
