package process

import (
	"math"

	"golang.org/x/sys/unix"
)

// KeepFiles keeps what is open from processes that this one starts, except for
// the standard streams and what [Spawn] is given: files that somebody has
// forgotten to close would otherwise stay open as long as a worker lives.
func KeepFiles() {
	const afterStandard = 3
	// Kernels before 5.11 cannot do that. Nothing depends on it.
	_ = unix.CloseRange(afterStandard, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
}
