//go:build unix

package logfile

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// give makes a user the owner of the file, by its name as nginx does.
func (f *File) give(uid int) error {
	if f.stderr {
		return nil
	}
	var info unix.Stat_t
	if err := unix.Stat(f.path, &info); err != nil {
		return &giveError{"stat", f.path, err}
	}
	if info.Mode&unix.S_IFMT == unix.S_IFSOCK {
		return nil // nobody can open it again
	}
	if int(info.Uid) != uid {
		if err := unix.Chown(f.path, uid, -1); err != nil {
			return &giveError{fmt.Sprintf("chown %d", uid), f.path, err}
		}
	}
	const needed = unix.S_IRUSR | unix.S_IWUSR
	if info.Mode&needed != needed {
		if err := unix.Chmod(f.path, uint32(info.Mode)|needed); err != nil {
			return &giveError{"chmod", f.path, err}
		}
	}
	return nil
}

// giveError is a file that could not be given to a user.
type giveError struct {
	call, path string
	err        error
}

func (e *giveError) Error() string {
	return fmt.Sprintf(`%s "%s" failed%s`, e.call, e.path, errnoSuffix(errnoOf(e.err)))
}

func (e *giveError) Unwrap() error { return e.err }
