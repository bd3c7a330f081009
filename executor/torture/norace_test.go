//go:build !race

package torture_test

// raceDetector says that this binary was built with it.
const raceDetector = false
