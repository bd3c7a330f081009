// Package finding holds the words that rules and reviewer share: severities,
// rules' descriptions, effects of statements and what a rule says about one.
package finding
