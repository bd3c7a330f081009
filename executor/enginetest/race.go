//go:build race

package enginetest

// memoryFactor is how many times the memory the race detector needs, which keeps
// notes of each word.
const memoryFactor = 4
