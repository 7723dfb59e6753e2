//go:build !linux

package streamtest

import "testing"

// Full is an address whose queue is full; how to fill one is only known for
// Linux.
func Full(t testing.TB) string {
	t.Skip("needs a listener that does not accept")
	return ""
}
