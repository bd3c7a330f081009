package catalog_test

import (
	"testing"

	"github.com/shipsql/shipsql/executor/catalog"
)

func TestMajor(t *testing.T) {
	for version, want := range map[string]int{
		"15": 15, "15.14 (Debian 15.14-0+deb12u1)": 15, "PostgreSQL 18beta1": 18, "v12": 12, "": 0, "unknown": 0,
		"99999999999999999999999": 9999,
	} {
		if got := catalog.Major(version); got != want {
			t.Errorf("Major(%q) = %d, want %d", version, got, want)
		}
	}
}

func TestNameString(t *testing.T) {
	for want, name := range map[string]catalog.Name{"app.t": {Schema: "app", Name: "t"}, "t": {Name: "t"}} {
		if name.String() != want {
			t.Errorf("%#v prints %q, want %q", name, name, want)
		}
	}
}
