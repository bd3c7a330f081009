package config_test

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
)

// The configuration inside docker-compose.yml loads, once .env is filled in, and
// each of its services is given what its role needs.
func TestComposeFileHoldsAValidConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Configs  map[string]struct{ Content string }
		Services map[string]struct{ Environment map[string]string }
	}
	if err := yaml.Unmarshal(text, &compose); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{
		"GITHUB_APP_ID": "1234", "REPOSITORY": "acme/orders", "APPROVER": "ann", "PUBLIC_URL": "https://shipsql.example.com",
	}
	content := regexp.MustCompile(`\$\{(\w+):\?\}`).ReplaceAllStringFunc(compose.Configs["shipsql"].Content, func(reference string) string {
		return env[reference[2:len(reference)-3]]
	})
	file, err := config.Parse("shipsql.yaml", []byte(content))
	if err != nil {
		t.Fatal(err)
	}
	for service, role := range map[string]config.Role{"shipsql": config.RoleAll, "web": config.RoleWeb, "worker": config.RoleWorker} {
		t.Run(service, func(t *testing.T) {
			for name, value := range compose.Services[service].Environment {
				t.Setenv(name, value)
			}
			part, err := file.Part(role, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := file.ReadSecrets(part); err != nil && strings.Count(err.Error(), "\n") > 0 || !strings.Contains(fmt.Sprint(err), "app.pem") {
				t.Errorf("more than the key is missing: %v", err)
			}
		})
	}
}
