package relay

// rate.go - proxy_upload_rate and proxy_download_rate.

import (
	"time"

	"github.com/gostream/gostream/internal/loop"
)

// limits are the rates of one session.
type limits struct {
	relay  *Relay
	start  int64    // Unix second
	rates  [2]int64 // bytes per second, by the side that is read; 0 none
	pauses [2]loop.Timer
}

// maxRate keeps the arithmetic below from overflowing; it is as good as no limit.
const maxRate = 1 << 40

func newLimits(r *Relay) *limits {
	return &limits{
		relay: r, start: r.opts.Start.Unix(),
		rates: [2]int64{min(r.opts.UploadRate, maxRate), min(r.opts.DownloadRate, maxRate)},
	}
}

// allow returns how much may be read now, at most size. Nothing means that reading
// pauses.
func (l *limits) allow(from Side, size int) int {
	if l.rates[from] == 0 {
		return size
	}
	if l.pauses[from].Running() {
		return 0
	}
	n, pause := allowance(l.rates[from], l.elapsed(), l.relay.flows[from].received)
	if n <= 0 {
		l.rest(from, pause)
		return 0
	}
	return int(min(int64(size), n))
}

// pause rests for as long as n bytes are meant to take.
func (l *limits) pause(from Side, n int64) {
	if rate := l.rates[from]; rate > 0 {
		if d := time.Duration(n*1000/rate) * time.Millisecond; d > 0 {
			l.rest(from, d)
		}
	}
}

func (l *limits) elapsed() int64 { return l.relay.conns[Client].Loop().Now().Unix() - l.start }

// allowance is nginx's rule: one second's worth of the rate is free from the
// start, and each whole second that has passed adds another. If nothing is left it
// returns how long to wait.
func allowance(rate, seconds, received int64) (n int64, pause time.Duration) {
	n = rate*(seconds+1) - received
	if n <= 0 {
		pause = time.Duration(-n*1000/rate+1) * time.Millisecond
	}
	return n, pause
}

func (l *limits) rest(from Side, d time.Duration) {
	l.pauses[from].Start(l.relay.conns[Client].Loop(), d, l)
}

// delayed reports whether one direction rests.
func (l *limits) delayed() bool { return l.pauses[Client].Running() || l.pauses[Upstream].Running() }

// Expired goes on reading.
func (l *limits) Expired(t *loop.Timer) {
	side := Client
	if t == &l.pauses[Upstream] {
		side = Upstream
	}
	l.relay.move(side)
}

func (l *limits) stop() {
	for i := range l.pauses {
		l.pauses[i].Stop(l.relay.conns[Client].Loop())
	}
}

// Panicked ends the relay.
func (l *limits) Panicked(value any, stack []byte) { l.relay.Panicked(value, stack) }
