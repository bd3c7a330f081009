//go:build !race

package enginetest

// Raced says that the race detector looks on.
const Raced = false

// memoryFactor is how many times the memory the race detector needs, if there is
// one.
const memoryFactor = 1
