// Command webhook-examples keeps GitHub's example payloads of the npm package
// @octokit/webhooks-examples in providers/miniforge/webhookexamples. Run it
// from the repository's root: go run ./scripts/webhook-examples
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/shipsql/shipsql/scripts/internal/npm"
)

const (
	source   = "@octokit/webhooks-examples@7.6.1"
	examples = "package/api.github.com/index.json"
	about    = "package/package.json"
	folder   = "providers/miniforge/webhookexamples/testdata"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "webhook-examples:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	files, err := npm.Files(ctx, source, examples, about)
	if err != nil {
		return err
	}
	var events []struct {
		Name     string            `json:"name"`
		Examples []json.RawMessage `json:"examples"`
	}
	if err := json.Unmarshal(files[examples], &events); err != nil {
		return err
	}
	text, err := json.Marshal(events)
	if err != nil {
		return err
	}
	packed, err := npm.Compress(text)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "examples.json.gz"), packed, 0o644); err != nil {
		return err
	}
	fmt.Printf("examples.json.gz: %d events, %d bytes\n", len(events), len(packed))
	return os.WriteFile(filepath.Join(folder, "package.json"), files[about], 0o644)
}
