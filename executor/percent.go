package executor

import "math/bits"

// Percent is how much of a whole is done, rounded down; false when that isn't
// known, or the server counts past its own estimate.
func Percent(done, of int64) (int, bool) {
	if of <= 0 || done < 0 || done > of {
		return 0, false
	}
	high, low := bits.Mul64(uint64(done), 100)
	percent, _ := bits.Div64(high, low, uint64(of))
	return int(percent), true
}
