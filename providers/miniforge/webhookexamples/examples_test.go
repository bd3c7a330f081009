package webhookexamples_test

import (
	"encoding/json"
	"testing"

	"github.com/shipsql/shipsql/providers/miniforge/webhookexamples"
)

func TestAllExamplesOfThePackage(t *testing.T) {
	all, err := webhookexamples.All()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != 329 {
		t.Errorf("%d examples, want the package's 329", len(all))
	}
	seen := map[string]bool{}
	for _, e := range all {
		if seen[e.Name] || e.Event == "" || !json.Valid(e.Payload) {
			t.Errorf("example %q (event %q) is a double, nameless or no JSON", e.Name, e.Event)
		}
		seen[e.Name] = true
	}
	if !seen["issue_comment.created.1"] || !seen["push.1"] {
		t.Error("names are not event.action.number")
	}
}
