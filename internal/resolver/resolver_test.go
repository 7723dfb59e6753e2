package resolver

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/streamtest"
)

// rig is a resolver with name servers, and with a clock that stands still.
type rig struct {
	*Resolver
	dns []*streamtest.DNS

	mu       sync.Mutex
	time     time.Time
	problems []string
}

func newRig(t *testing.T, servers int, cfg Config) *rig {
	g := &rig{time: time.Unix(1e9, 0)}
	for range servers {
		d := streamtest.NewDNS(t)
		g.dns = append(g.dns, d)
		cfg.Servers = append(cfg.Servers, addr.IP(d.Addr))
	}
	cfg.Report = func(p Problem) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.problems = append(g.problems, p.Text)
	}
	g.Resolver = New(cfg)
	g.clock = func() time.Time {
		g.mu.Lock()
		defer g.mu.Unlock()
		return g.time
	}
	t.Cleanup(g.Close)
	return g
}

func (g *rig) pass(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.time = g.time.Add(d)
}

func (g *rig) reported() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return strings.Join(g.problems, "\n")
}

// ask asks, and returns a channel with the answer.
func (g *rig) ask(q Question) <-chan *Answer {
	answers := make(chan *Answer, 1)
	g.Ask(q, func(a *Answer) { answers <- a })
	return answers
}

func receive(t *testing.T, answers <-chan *Answer) *Answer {
	t.Helper()
	select {
	case a := <-answers:
		return a
	case <-time.After(streamtest.Patience):
		require.FailNow(t, "no answer")
		return nil
	}
}

// find asks for addresses and prints them, or why there are none.
func (g *rig) find(t *testing.T, name string) string {
	t.Helper()
	return text(receive(t, g.ask(Question{Name: name})))
}

func text(a *Answer) string {
	if a.Code != Found {
		return a.String()
	}
	var list []string
	for _, addr := range a.Addrs {
		list = append(list, addr.IP.String())
	}
	return strings.Join(list, " ")
}

func TestAddresses(t *testing.T) {
	for _, tt := range []struct {
		cfg   Config
		want  string
		asked []string
	}{
		{Config{}, "127.0.0.2 127.0.0.1 ::1", []string{"udp both.test A", "udp both.test AAAA"}},
		{Config{NoIPv6: true}, "127.0.0.2 127.0.0.1", []string{"udp both.test A"}},
		{Config{NoIPv4: true}, "::1", []string{"udp both.test AAAA"}},
	} {
		g := newRig(t, 1, tt.cfg)
		g.dns[0].Set("both.test", "A 127.0.0.2", "A 127.0.0.1", "AAAA ::1")
		assert.Equal(t, tt.want, g.find(t, "Both.Test."))
		asked := g.dns[0].Asked()
		slices.Sort(asked)
		assert.Equal(t, tt.asked, asked)
		assert.Empty(t, g.reported())
	}
}

func TestAnswersAreKept(t *testing.T) {
	for _, tt := range []struct {
		valid time.Duration
		kept  time.Duration
	}{
		{0, 3 * time.Second}, // the least of the records
		{time.Second, time.Second},
		{time.Hour, time.Hour},
	} {
		g := newRig(t, 1, Config{Valid: tt.valid, NoIPv6: true})
		g.dns[0].Set("a.test", "ttl=4 A 127.0.0.1", "ttl=3 A 127.0.0.1")
		assert.Equal(t, "127.0.0.1 127.0.0.1", g.find(t, "a.test"))
		g.dns[0].Set("a.test", "A 127.0.0.2")
		g.pass(tt.kept)
		assert.Equal(t, "127.0.0.1 127.0.0.1", g.find(t, "a.test"))
		g.pass(time.Second)
		assert.Equal(t, "127.0.0.2", g.find(t, "a.test"))
		assert.Len(t, g.dns[0].Asked(), 2)
	}
}

func TestKnownAddressesAreRotated(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("a.test", "A 127.0.0.1", "A 127.0.0.2", "AAAA ::1", "AAAA ::2")
	seen := map[string]bool{}
	for range 500 {
		addrs := strings.Fields(g.find(t, "a.test"))
		seen[addrs[0]] = true
		slices.Sort(addrs)
		assert.Equal(t, []string{"127.0.0.1", "127.0.0.2", "::1", "::2"}, addrs)
	}
	assert.Len(t, seen, 4)
	assert.Len(t, g.dns[0].Asked(), 2)
}

func TestFailures(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("empty.test")
	g.dns[0].Set("servfail.test", "CODE 2")
	g.dns[0].Set("notimp.test", "CODE 4")
	g.dns[0].Set("refused.test", "CODE 5")
	for name, want := range map[string]string{
		"nx.test":                       "(3: Host not found)",
		"empty.test":                    "(3: Host not found)",
		"servfail.test":                 "(2: Server failure)",
		"notimp.test":                   "(4: Unimplemented)",
		"refused.test":                  "(5: Operation refused)",
		"":                              "(3: Host not found)",
		"a..test":                       "(3: Host not found)",
		strings.Repeat("x.", 150) + "y": "(3: Host not found)",
	} {
		assert.Equal(t, name+" could not be resolved "+want, g.find(t, name))
	}
	assert.Empty(t, g.entries, "failures are not kept")
	g.dns[0].Set("nx.test", "A 127.0.0.1")
	assert.Equal(t, "127.0.0.1", g.find(t, "nx.test"))
}

// As in nginx, an error for one type of records is one for the name.
func TestOneTypeFails(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Raw(func(query []byte, _ bool) [][]byte {
		answer := slices.Clone(query)
		answer[2], answer[3] = 0x81, 0x80
		if query[len(query)-3] == 28 { // AAAA
			answer[3] |= 2
			return [][]byte{answer}
		}
		answer[7] = 1
		return [][]byte{append(answer, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 5, 0, 4, 127, 0, 0, 1)}
	})
	assert.Equal(t, "a.test could not be resolved (2: Server failure)", g.find(t, "a.test"))
}

func TestTimeout(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("silent.test", "SILENT")
	a := receive(t, g.ask(Question{Name: "silent.test", Timeout: time.Millisecond}))
	assert.Equal(t, "silent.test could not be resolved (110: Operation timed out)", a.String())
	g.dns[0].Set("silent.test", "A 127.0.0.1")
	g.overdue(g.entries[key{name: "silent.test"}])
	assert.Empty(t, g.entries, "what nobody waits for is dropped")
	assert.Equal(t, "127.0.0.1", g.find(t, "silent.test"))
}

func TestOneQueryForAll(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Set("slow.test", "SILENT")
	var waiting []<-chan *Answer
	for range 100 {
		waiting = append(waiting, g.ask(Question{Name: "slow.test", Timeout: time.Hour}))
	}
	cancelled := make(chan *Answer, 1)
	g.Ask(Question{Name: "slow.test"}, func(a *Answer) { cancelled <- a }).Cancel()
	streamtest.Eventually(t, "the query", func() bool { return len(g.dns[0].Asked()) == 1 })
	g.dns[0].Set("slow.test", "A 127.0.0.1")
	g.overdue(g.entries[key{name: "slow.test"}])
	for _, answers := range waiting {
		assert.Equal(t, "127.0.0.1", text(receive(t, answers)))
	}
	assert.Empty(t, cancelled)
	assert.Len(t, g.dns[0].Asked(), 2)
}

func TestServersTakeTurns(t *testing.T) {
	g := newRig(t, 3, Config{NoIPv6: true})
	for i, d := range g.dns {
		for n := range 6 {
			d.Set(fmt.Sprintf("n%d.test", n), fmt.Sprintf("A 127.0.0.%d", i+1))
		}
	}
	for n := range 6 {
		assert.Equal(t, fmt.Sprintf("127.0.0.%d", n%3+1), g.find(t, fmt.Sprintf("n%d.test", n)))
	}
}

func TestSilentServer(t *testing.T) {
	g := newRig(t, 2, Config{NoIPv6: true})
	g.resendAfter = 20 * time.Millisecond
	g.dns[0].Set("a.test", "SILENT")
	g.dns[1].Set("a.test", "A 127.0.0.1")
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.NotEmpty(t, g.dns[0].Asked())
}

// Nobody listens at the first server, of which one is told when the next
// question goes there.
func TestRefusingServer(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Set("a.test", "A 127.0.0.1")
	g.resendAfter = 20 * time.Millisecond
	port := netip.MustParseAddrPort(streamtest.Refused(t))
	g.servers = append([]*server{{resolver: g.Resolver, addr: addr.IP(port)}}, g.servers...)
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
}

func TestLongAnswersComeByTCP(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("long.test", "LONG A 127.0.0.1", "LONG AAAA ::1")
	assert.Equal(t, "127.0.0.1 ::1", g.find(t, "long.test"))
	asked := g.dns[0].Asked()
	slices.Sort(asked)
	assert.Equal(t, []string{"tcp long.test A", "tcp long.test AAAA", "udp long.test A", "udp long.test AAAA"}, asked)
}

func TestAliases(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("a.test", "CNAME B.test")
	g.dns[0].Set("B.test", "CNAME c.test")
	g.dns[0].Set("b.test", "CNAME c.test")
	g.dns[0].Set("c.test", "A 127.0.0.1")
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.Equal(t, "127.0.0.1", g.find(t, "a.test"))
	assert.Len(t, g.dns[0].Asked(), 6)

	g.dns[0].Set("loop.test", "CNAME pool.test")
	g.dns[0].Set("pool.test", "CNAME loop.test")
	assert.Equal(t, "loop.test could not be resolved (3: Host not found)", g.find(t, "loop.test"))
	assert.Equal(t, "loop.test could not be resolved (3: Host not found)", g.find(t, "loop.test"))
	assert.Len(t, g.dns[0].Asked(), 10)
}

func TestUnusedEntriesAreDropped(t *testing.T) {
	g := newRig(t, 1, Config{})
	for n := range 4 {
		g.dns[0].Set(fmt.Sprintf("n%d.test", n), "ttl=1000 A 127.0.0.1")
		g.find(t, fmt.Sprintf("n%d.test", n))
	}
	g.pass(20 * time.Second)
	g.find(t, "n0.test")
	g.pass(11 * time.Second)
	g.find(t, "n0.test")
	assert.Len(t, g.entries, 2)
	g.find(t, "n0.test")
	assert.Len(t, g.entries, 1)
	assert.Equal(t, 1, g.used.Len())
}

func TestCloseForgetsThoseWhoWait(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("silent.test", "SILENT")
	answers := g.ask(Question{Name: "silent.test", Timeout: time.Hour})
	g.Close()
	g.Close()
	later := g.ask(Question{Name: "silent.test"})
	assert.Empty(t, answers)
	assert.Empty(t, later)
}

func TestCodeTexts(t *testing.T) {
	assert.Equal(t, "Format error", FormatError.String())
	assert.Equal(t, "Unknown error", Code(6).String())
}
