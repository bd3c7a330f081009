package providers_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shipsql/shipsql/internal/fault"
	"github.com/shipsql/shipsql/providers"
)

func TestErrorsCarryCodes(t *testing.T) {
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{providers.ErrSignature, fault.Denied},
		{providers.ErrNotFound, fault.NotFound},
		{providers.ErrGone, fault.NotFound},
		{providers.ErrUnauthorized, fault.Denied},
		{providers.ErrTooMany, fault.Unsupported},
		{providers.ErrNotAncestor, fault.Conflict},
		{providers.ErrUnprocessable, fault.Invalid},
		{providers.ErrRateLimited{RetryAfter: time.Second}, fault.Unreachable},
		{providers.ErrTooLarge{Path: "x", Limit: 1}, fault.Invalid},
	} {
		wrapped := fmt.Errorf("acme/orders: %w", c.err)
		if got := fault.CodeOf(wrapped); got != c.want || !errors.Is(wrapped, c.err) {
			t.Errorf("%v: code %s, want %s", c.err, got, c.want)
		}
	}
	if errors.Is(providers.ErrGone, providers.ErrNotFound) {
		t.Error("uninstalled is taken for not found")
	}
}

func TestPermissionsAreOrdered(t *testing.T) {
	order := []providers.Permission{
		providers.NoPermission, providers.ReadPermission, providers.TriagePermission,
		providers.WritePermission, providers.MaintainPermission, providers.AdminPermission,
	}
	for i, has := range order {
		for j, wanted := range order {
			if got := has.AtLeast(wanted); got != (i >= j) {
				t.Errorf("%s at least %s: %t", has, wanted, got)
			}
		}
	}
	if providers.Permission("").AtLeast(providers.ReadPermission) || providers.Permission("god").AtLeast(providers.ReadPermission) ||
		providers.AdminPermission.AtLeast("god") {
		t.Error("an unknown permission is worth something")
	}
}

func TestDiffLines(t *testing.T) {
	for _, c := range []struct {
		patch string
		want  []providers.LineRange
	}{
		{"", nil},
		{"@@ -0,0 +1,4 @@\n+a\n+b\n+c\n+d", []providers.LineRange{{First: 1, Last: 4}}},
		{"@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file", []providers.LineRange{{First: 1, Last: 1}}},
		{"@@ -10,7 +12,3 @@ CREATE TABLE\n x\n@@ -90,2 +88,5 @@\n y", []providers.LineRange{{First: 12, Last: 14}, {First: 88, Last: 92}}},
		{"@@ -1,3 +0,0 @@\n-a\n-b\n-c", nil},
		{"@@ -1,2 +1,2 @@\n-@@ -5,5 +50,50 @@\n+@@ -6,6 +60,60 @@\n @@ -7,7 +70,70 @@", []providers.LineRange{{First: 1, Last: 2}}},
		{"@@ -1 +99999999999999999999 @@\n", nil},
	} {
		got := providers.ChangedFile{Patch: c.patch}.DiffLines()
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q:\n%s", c.patch, diff)
		}
	}
}

func TestALineRangeHoldsWholeComments(t *testing.T) {
	r := providers.LineRange{First: 3, Last: 5}
	for _, c := range []struct {
		first, last int
		want        bool
	}{{3, 5, true}, {4, 4, true}, {2, 4, false}, {4, 6, false}, {5, 3, false}} {
		if got := r.Holds(c.first, c.last); got != c.want {
			t.Errorf("3–5 holds %d–%d: %t", c.first, c.last, got)
		}
	}
}

func TestNamesOfRepositories(t *testing.T) {
	r := providers.Repo{Provider: "github.com", Owner: "acme", Name: "orders"}
	if r.String() != "github.com/acme/orders" || r.FullName() != "acme/orders" {
		t.Errorf("%s, %s", r, r.FullName())
	}
}
