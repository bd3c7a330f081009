package webhookexamples

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
)

//go:embed testdata/examples.json.gz
var packed []byte

// Example is one payload.
type Example struct {
	Event   string // as in X-GitHub-Event
	Action  string // the payload's action, "" when the event has none
	Name    string // unique: event, action and number, e.g. "issue_comment.created.1"
	Payload []byte // JSON
}

// All returns every example, in the package's order. The caller owns them.
func All() ([]Example, error) {
	unzipped, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(unzipped)
	if err != nil {
		return nil, err
	}
	var events []struct {
		Name     string
		Examples []json.RawMessage
	}
	if err := json.Unmarshal(text, &events); err != nil {
		return nil, err
	}
	var all []Example
	for _, event := range events {
		for i, payload := range event.Examples {
			var head struct{ Action string }
			if err := json.Unmarshal(payload, &head); err != nil {
				return nil, err
			}
			name := fmt.Sprintf("%s.%s.%d", event.Name, head.Action, i+1)
			if head.Action == "" {
				name = fmt.Sprintf("%s.%d", event.Name, i+1)
			}
			all = append(all, Example{Event: event.Name, Action: head.Action, Name: name, Payload: payload})
		}
	}
	return all, nil
}
