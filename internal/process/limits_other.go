//go:build !unix

package process

import "runtime"

// System names the operating system.
func System() string { return runtime.GOOS }

// FileLimit is not supported here.
func FileLimit() (soft, hard uint64, err error) { return 0, 0, ErrUnsupported }

// SetFileLimit is not supported here.
func SetFileLimit(int64) (int64, error) { return 0, ErrUnsupported }

// SetCoreLimit is not supported here.
func SetCoreLimit(int64) error { return ErrUnsupported }

// SetPriority is not supported here.
func SetPriority(int) error { return ErrUnsupported }

// SetAffinity is not supported here.
func SetAffinity([]int) error { return ErrUnsupported }
