package fault_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/shipsql/shipsql/internal/fault"
)

func TestErrorSaysWhereWhatWhyAndNext(t *testing.T) {
	cause := errors.New("no route to host")
	err := fault.New(fault.Unreachable, "can't reach %q", "orders-eu").At("prod").Because(cause).Then("run %s", "retry prod")
	const want = `prod: can't reach "orders-eu": no route to host; run retry prod`
	if err.Error() != want {
		t.Errorf("Error() = %q, want %q", err, want)
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
}

func TestCodeOf(t *testing.T) {
	denied := fault.New(fault.Denied, "no")
	for _, c := range []struct {
		err  error
		want fault.Code
	}{
		{nil, ""},
		{errors.New("x"), fault.Internal},
		{denied, fault.Denied},
		{fmt.Errorf("approve: %w", denied), fault.Denied},
		{errors.Join(errors.New("x"), denied), fault.Denied},
	} {
		if got := fault.CodeOf(c.err); got != c.want {
			t.Errorf("CodeOf(%v) = %q, want %q", c.err, got, c.want)
		}
	}
}
