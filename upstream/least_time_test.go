package upstream

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Recorded from nginx 1.31.5, with servers that answer after some milliseconds.
// A session that comes is "j"; a number is the open session that goes, 50 ms
// before anything else happens.
func TestLeastTime(t *testing.T) {
	const (
		even     = "server 127.0.0.1:1; server 127.0.0.1:2; server 127.0.0.1:3;"
		weighted = "server 127.0.0.1:1 weight=2; server 127.0.0.1:2 weight=3; server 127.0.0.1:3;"
	)
	tens := strings.Repeat("j ", 10)
	slow, quick := []int{51, 6, 6}, []int{6, 6, 6}
	for _, tt := range []struct {
		group, script string
		delays        []int
		want          string
	}{
		{"least_time first_byte;" + even, strings.Repeat("j 0 ", 15), slow, "2 3 1 2 3 2 3 2 3 2 3 2 3 2 3"},
		{"least_time first_byte;" + even, tens + "j j", slow, "2 3 1 3 1 2 2 1 3 3 1 2"},
		{"least_time first_byte;" + even, "j j j 0 0 0 " + tens, slow, "2 3 1 3 2 2 3 3 1 2 2 3 2"},
		{"least_time first_byte inflight;" + even, tens + "j j", slow, "2 3 1 3 2 2 3 3 2 2 3 3"},
		{"least_time last_byte inflight;" + even, "j j j 0 0 0 " + tens, slow, "2 3 1 2 3 1 2 3 2 2 1 3 2"},
		{"least_time connect;" + weighted, tens + "j j j j", quick, "2 1 2 2 1 3 2 1 2 1 2 3 2 1"},
		{"least_time connect inflight;" + weighted, "j j j j j j j j 3 3 3 j j j j j j j j", quick, "2 1 2 2 1 3 2 1 3 2 1 2 1 2 3 2"},
	} {
		c := &crowd{Group: group(t, tt.group), now: noon}
		c.answer(t, nil) // to see that it was up
		c.leave(0)
		c.pass(500)
		var got []string
		for _, word := range strings.Fields(tt.script) {
			if i, err := strconv.Atoi(word); err == nil {
				c.leave(i)
				c.pass(50)
				continue
			}
			got = append(got, strconv.Itoa(c.answer(t, tt.delays)))
		}
		assert.Equal(t, tt.want, strings.Join(got, " "), tt.group)
	}
}

func (c *crowd) pass(ms int) { c.now = c.now.Add(time.Duration(ms) * time.Millisecond) }

// answer is a session whose server is connected at once and, if there are
// delays, answers later.
func (c *crowd) answer(t *testing.T, delays []int) (port int) {
	port = c.join(t, "")
	a := c.open[len(c.open)-1]
	c.Connected(&a.sel, a.p, c.now)
	if delays != nil {
		c.pass(delays[port-1])
		c.FirstByte(&a.sel, a.p, c.now)
	}
	return port
}

// Failures do not count as quick answers, and a slow server gets another chance
// when it was idle for some fail timeouts.
func TestLeastTimeForgets(t *testing.T) {
	c := &crowd{Group: group(t, "least_time last_byte; server 127.0.0.1:1 fail_timeout=1s max_fails=0; server 127.0.0.1:2 fail_timeout=1s;"), now: noon}
	times := c.primary.list[0].times
	c.join(t, "")
	c.Failed(&c.open[0].sel, c.open[0].p, c.now)
	assert.Zero(t, times.average[LastByteTime])

	c.open = nil
	assert.Equal(t, 2, c.join(t, ""))
	assert.Equal(t, 1, c.join(t, ""))
	c.pass(10)
	c.leave(0)
	c.pass(790)
	c.leave(0)
	assert.Equal(t, int64(800), times.average[LastByteTime])
	var got []int
	for range 30 {
		port := c.join(t, "")
		c.leave(0)
		c.pass(400)
		got = append(got, port)
	}
	assert.Equal(t, 2, got[0])
	assert.Contains(t, got, 1)
}

func TestUpdate(t *testing.T) {
	average := int64(0)
	for _, step := range []struct{ value, want int64 }{{0, 0}, {100, 100}, {0, 95}, {95, 95}, {1, 90}, {0, 86}, {1000, 132}} {
		update(&average, step.value)
		assert.Equal(t, step.want, average)
	}
}

// The sum of the ages of unfinished attempts is kept without looking at each.
func TestUnfinishedAges(t *testing.T) {
	c := &crowd{Group: group(t, "least_time connect inflight; server 127.0.0.1:1; server 127.0.0.1:2 down;"), now: noon}
	times := c.primary.list[0].times
	for range 3 {
		c.join(t, "")
		c.pass(10)
	}
	assert.Equal(t, []int64{3, 30}, []int64{times.count, times.ages}, "20 + 10 at the last change")
	connected := func(i int) { c.Connected(&c.open[i].sel, c.open[i].p, c.now) }
	connected(0) // after 30
	assert.Equal(t, []int64{2, 30, 30}, []int64{times.count, times.ages, times.average[ConnectTime]}, "20 + 10")
	c.pass(5)
	c.Failed(&c.open[1].sel, c.open[1].p, c.now)
	assert.Equal(t, []int64{1, 15}, []int64{times.count, times.ages})
	c.pass(75)
	connected(2) // after 90
	assert.Equal(t, []int64{0, 0, 33}, []int64{times.count, times.ages, times.average[ConnectTime]})
	c.leave(2)
	assert.Equal(t, int64(33), times.average[ConnectTime], "not once more at the end")
	assert.Equal(t, int64(90), times.average[LastByteTime])
}
