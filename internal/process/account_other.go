//go:build !unix

package process

// Become is not supported here.
func Become(Account) []*CallError { return []*CallError{{Call: "setuid()", Err: ErrUnsupported}} }

// AllowDump does nothing here.
func AllowDump() error { return nil }
