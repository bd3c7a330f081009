package store

import (
	"reflect"
	"strings"
	"unicode/utf8"
)

// storable replaces, in parameters that are text, what PostgreSQL can't store as
// text: NUL bytes and bytes that are no UTF-8 become U+FFFD. Both backends do
// it, so that a room reads the same from both. Bytes ([]byte) stay as they are.
func storable(args []any) []any {
	for i, arg := range args {
		text, ok := asText(arg)
		if !ok || utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
			continue
		}
		changed := append([]any(nil), args...) // args may be the caller's
		for ; i < len(args); i++ {
			if text, ok := asText(args[i]); ok {
				changed[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
			}
		}
		return changed
	}
	return args
}

// asText is the text of strings and of types made of them.
func asText(arg any) (string, bool) {
	if text, ok := arg.(string); ok {
		return text, true
	}
	if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
		return v.String(), true
	}
	return "", false
}
