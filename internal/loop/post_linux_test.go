package loop

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// The descriptors of a loop that has ended may be others' by now: nothing is
// written there.
func TestPostAfterEnd(t *testing.T) {
	l, err := New(Options{})
	require.NoError(t, err)
	l.Stop()
	require.NoError(t, l.Run())
	for fd := -1; fd != l.wake; {
		fd, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC)
		require.NoError(t, err)
		defer unix.Close(fd)
	}
	l.Post(func() { t.Error("the loop has ended") })
	_, err = unix.Read(l.wake, make([]byte, 8))
	assert.Equal(t, unix.EAGAIN, err)
}
