package demo

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"
)

// provider is the forge's name: the first part of the project's repository.
const provider = "miniforge"

// configuration is the file's name in the world's folder.
const configuration = "shipsql.yaml"

// mapping is YAML's; the bot's own loader checks it.
type mapping map[string]any

// configure writes shipsql.yaml and the App's private key. With selfApproval
// authors may approve their own changes.
func (w *world) configure(selfApproval bool) error {
	database := func(name, environment string) mapping {
		return mapping{"name": name, "url": w.url(name), "environment": environment, "labels": mapping{"app": "orders"}}
	}
	file := mapping{
		"server": mapping{"listen": "env:" + listenVariable, "public_url": w.app.url()},
		"store":  cmp.Or(w.Store, "sqlite:"+filepath.Join(w.folder, "shipsql.db")),
		"providers": mapping{"github": mapping{
			"name": provider, "base_url": w.forge.URL(), "api_url": w.forge.APIURL(), "app_id": w.forge.AppID(),
			"private_key": "file:app.pem", "webhook_secret": w.forge.WebhookSecret(),
		}},
		"databases": []mapping{database(ordersTest, "test"), database(ordersEU, "prod"), database(ordersUS, "prod")},
		"environments": []mapping{
			{"name": "test", "rollout": "auto"},
			{"name": "prod", "rollout": "manual", "approvals": mapping{"teams": []string{team}, "self_approval": selfApproval}},
		},
		"projects": []mapping{{
			"repository": provider + "/" + repository, "branch": branch, "path": folder, "databases": mapping{"app": "orders"},
		}},
	}
	if w.Redis != "" {
		file["redis"] = w.Redis
	}
	text, err := yaml.Marshal(file)
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(w.folder, configuration), text, 0o600),
		os.WriteFile(filepath.Join(w.folder, "app.pem"), w.forge.PrivateKeyPEM(), 0o600),
	)
}
