//go:build !linux

package process

// monotonic is only asked for under systemd, which is Linux's.
func monotonic() int64 { return 0 }
