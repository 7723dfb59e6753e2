package logfile

import (
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestErrorText has texts of glibc's strerrordesc_np(), and nginx's for what
// has none.
func TestErrorText(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the texts are Linux'")
	}
	for errno, want := range map[syscall.Errno]string{
		0: "Success", 1: "Operation not permitted", 2: "No such file or directory", 5: "Input/output error",
		11: "Resource temporarily unavailable", 13: "Permission denied", 15: "Block device required",
		18: "Invalid cross-device link", 24: "Too many open files", 28: "No space left on device", 32: "Broken pipe",
		41: "Unknown error", 58: "Unknown error",
		39: "Directory not empty", 74: "Bad message", 79: "Can not access a needed shared library",
		80: "Accessing a corrupted shared library", 84: "Invalid or incomplete multibyte or wide character",
		81: ".lib section in a.out corrupted", 95: "Operation not supported", 98: "Address already in use",
		99: "Cannot assign requested address", 104: "Connection reset by peer", 110: "Connection timed out",
		111: "Connection refused", 113: "No route to host", 132: "Operation not possible due to RF-kill",
		133: "Memory page has hardware error", 134: "Unknown error", 4000: "Unknown error",
	} {
		assert.Equal(t, want, ErrorText(errno), "%d", int(errno))
	}
}

func TestClock(t *testing.T) {
	local := time.Local
	defer func() { time.Local = local }()
	time.Local = time.FixedZone("", -(3*3600 + 30*60))
	now := time.Date(2026, 2, 3, 4, 5, 6, 999, time.UTC)
	var c Clock
	for f, want := range [timeFormats]string{
		"2026/02/03 00:35:06", "03/Feb/2026:00:35:06 -0330", "2026-02-03T00:35:06-03:30", "Feb  3 00:35:06",
	} {
		assert.Equal(t, "x"+want, string(c.Append([]byte("x"), now, TimeFormat(f))))
		assert.Equal(t, want, string(c.Append(nil, now.Add(999*time.Millisecond), TimeFormat(f))), "the same second")
		assert.NotEqual(t, want, string(c.Append(nil, now.Add(time.Second), TimeFormat(f))))
		assert.Equal(t, want, string(c.Append(nil, now, TimeFormat(f))), "back")
	}
}
