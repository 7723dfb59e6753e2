//go:build unix

package process

import (
	"fmt"
	"syscall"
)

// Become makes the whole process run as another account, without a way back.
// The steps that went wrong are returned, in their order, as *CallErrors.
func Become(a Account) (failed []*CallError) {
	if err := syscall.Setgid(a.GID); err != nil {
		return []*CallError{{Call: fmt.Sprintf("setgid(%d)", a.GID), Err: err}}
	}
	if err := syscall.Setgroups(a.Groups); err != nil {
		failed = append(failed, &CallError{Call: fmt.Sprintf("initgroups(%s, %d)", a.Name, a.GID), Err: err, Minor: true})
	}
	if a.RawSockets && a.UID != 0 {
		if err := keepCapabilities(); err != nil {
			return append(failed, &CallError{Call: "prctl(PR_SET_KEEPCAPS, 1)", Err: err})
		}
	}
	if err := syscall.Setuid(a.UID); err != nil {
		return append(failed, &CallError{Call: fmt.Sprintf("setuid(%d)", a.UID), Err: err})
	}
	if a.RawSockets && a.UID != 0 {
		if err := onlyRawSockets(); err != nil {
			return append(failed, &CallError{Call: "capset()", Err: err})
		}
	}
	return failed
}
