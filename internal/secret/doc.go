// Package secret keeps passwords, tokens and keys out of everything that is
// printed: a Source never shows its value, and Redact takes values out of text
// that others wrote (database errors, forge errors, URLs).
package secret
