//go:build unix && !linux

package process

import "golang.org/x/sys/unix"

// SetPriority sets the nice value of the process.
func SetPriority(nice int) error { return unix.Setpriority(unix.PRIO_PROCESS, 0, nice) }

// SetAffinity is not supported here.
func SetAffinity([]int) error { return ErrUnsupported }

// mostFiles is not known here.
func mostFiles() int64 { return 0 }
