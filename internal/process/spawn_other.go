//go:build !unix

package process

import "os"

// HasWorkers reports whether [Spawn], [Reap] and [Pair] work on this system.
const HasWorkers = false

// Spawn is not supported here.
func Spawn(Spec) (int, error) { return 0, ErrUnsupported }

// OwnPath is not supported here.
func OwnPath() string { return "" }

// Reap is not supported here.
func Reap() (Exit, bool) { return Exit{}, false }

// Pair is not supported here.
func Pair() (*os.File, int, error) { return nil, -1, ErrUnsupported }

// Memory is not supported here.
func Memory(string) (*os.File, error) { return nil, ErrUnsupported }

// Inherited is not supported here.
func Inherited(int, string) *os.File { return nil }

// CloseDescriptor does nothing here.
func CloseDescriptor(int) {}
