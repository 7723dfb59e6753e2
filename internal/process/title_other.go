//go:build !linux

package process

// OwnArguments does nothing here.
func OwnArguments() {}

// SetTitle does nothing here.
func SetTitle(string) {}

// Name is not known here.
func Name() string { return "" }

// SetName does nothing here.
func SetName(string) error { return nil }
