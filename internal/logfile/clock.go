package logfile

import (
	"sync/atomic"
	"time"
)

// TimeFormat is one of the forms of time in logs. All are in local time and
// exact to the second.
type TimeFormat uint8

// The forms of time in logs.
const (
	ErrorLogTime TimeFormat = iota // 2026/11/21 02:50:47
	CommonTime                     // 21/Nov/2026:02:50:47 +0000: $time_local
	ISO8601Time                    // 2026-11-21T02:50:47+00:00: $time_iso8601
	SyslogTime                     // Nov 21 02:50:47; the day has two columns
	timeFormats
)

var layouts = [timeFormats]string{"2006/01/02 15:04:05", "02/Jan/2006:15:04:05 -0700", "2006-01-02T15:04:05-07:00", time.Stamp}

// Clock writes the time in the forms of log files. It formats each second once.
// The zero Clock is ready; it may be used from any goroutine, but must not be
// copied.
type Clock struct {
	second [timeFormats]atomic.Pointer[secondText]
}

// secondText is a second as text.
type secondText struct {
	unix int64
	text string
}

// Append appends a time.
func (c *Clock) Append(b []byte, now time.Time, f TimeFormat) []byte {
	second := c.second[f].Load()
	if second == nil || second.unix != now.Unix() {
		second = &secondText{now.Unix(), now.Local().Format(layouts[f])}
		c.second[f].Store(second)
	}
	return append(b, second.text...)
}
