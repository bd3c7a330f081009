package mysql

import "github.com/shipsql/shipsql/executor/mysql/syntax"

// Judge is judge with fingerprints alone; what is foreseen may be nil. It returns
// "took", "none" or "unknown".
func Judge(pre, now, foreseen []string) string {
	o, _ := judge(objects(pre), objects(now), objects(foreseen))
	return map[outcome]string{took: "took", none: "none", unknown: "unknown"}[o]
}

func objects(prints []string) []object {
	if prints == nil {
		return nil
	}
	all := []object{}
	for _, p := range prints {
		all = append(all, object{Kind: syntax.Table, Name: "t", Print: p})
	}
	return all
}

// Diff is diff.
func Diff(before, now string) string { return diff(before, now) }

// Refuse is what a server with these variables is refused for.
func Refuse(variables map[string]string) error {
	if refusal := facts(variables).refuse(); refusal != nil {
		return refusal
	}
	return nil
}

// ParseURL says why a URL can't be used.
func ParseURL(text string) error {
	_, err := parseURL(text)
	return err
}
