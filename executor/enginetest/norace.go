//go:build !race

package enginetest

// memoryFactor is how many times the memory the race detector needs, if there is
// one.
const memoryFactor = 1
