package config_test

import (
	"os"
	"regexp"
	"testing"

	"go.yaml.in/yaml/v4"

	"github.com/shipsql/shipsql/cmd/shipsql/config"
)

// The configuration inside docker-compose.yml loads, once .env is filled in.
func TestComposeFileHoldsAValidConfiguration(t *testing.T) {
	text, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	var compose struct {
		Configs map[string]struct{ Content string }
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
	if _, err := config.Parse("shipsql.yaml", []byte(content)); err != nil {
		t.Error(err)
	}
}
