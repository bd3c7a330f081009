package torture_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// configure writes the secrets that shipsql.yaml refers to.
func (w *world) configure() error {
	w.secrets["redis"] = passwordOf(w.redis.URL())
	w.secrets["private key"] = middle(string(w.forge.PrivateKeyPEM()))
	files := map[string]string{
		"store.url": w.through(w.storeWire, storeName), "redis.url": w.redis.URL(),
		"webhook.secret": w.forge.WebhookSecret(), "app.pem": string(w.forge.PrivateKeyPEM()),
	}
	for _, name := range w.databases {
		files[name+".url"] = w.through(w.targetWire, name)
	}
	var errs []error
	for name, text := range files {
		errs = append(errs, os.WriteFile(filepath.Join(w.folder, name), []byte(text), 0o600))
	}
	return errors.Join(errs...)
}

// configuration is a node's shipsql.yaml.
func (w *world) configuration(address string) string {
	var targets strings.Builder
	for i, name := range w.databases {
		environment := "prod"
		if i == 0 {
			environment = "test"
		}
		fmt.Fprintf(&targets, "  - {name: %s, engine: postgres, url: \"file:%s.url\", environment: %s, labels: {app: orders}}\n", name, name, environment)
	}
	return fmt.Sprintf(`server: {listen: %q, public_url: "http://shipsql.example.com"}
store: "file:store.url"
redis: "file:redis.url"
providers:
  github: {name: forge, base_url: %q, api_url: %q, app_id: %d, private_key: "file:app.pem", webhook_secret: "file:webhook.secret"}
databases:
%senvironments:
  - {name: test, rollout: auto}
  - {name: prod, rollout: manual, approvals: {count: 1, users: [%s]}}
projects:
  - {repository: forge/%s, branch: %s, path: %s, databases: {app: orders}}
`, address, w.forge.URL(), w.forge.APIURL(), w.forge.AppID(), &targets, approver, repository, branch, folder)
}
