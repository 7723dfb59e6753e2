package resolver

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func services(a *Answer) string {
	if a.Code != Found {
		return a.String()
	}
	var list []string
	for _, addr := range a.Addrs {
		list = append(list, fmt.Sprintf("%s:%d %s p%d w%d", addr.IP, addr.Port, addr.Host, addr.Priority, addr.Weight))
	}
	return strings.Join(list, ", ")
}

func TestServices(t *testing.T) {
	g := newRig(t, 1, Config{})
	g.dns[0].Set("_http._tcp.test", "SRV 2 0 81 b.test", "SRV 1 7 80 A.test", "SRV 3 1 82 nx.test")
	g.dns[0].Set("alias.test", "CNAME _http._tcp.test")
	g.dns[0].Set("a.test", "A 127.0.0.1", "A 127.0.0.2")
	g.dns[0].Set("b.test", "AAAA ::1")
	want := "127.0.0.1:80 a.test p1 w7, 127.0.0.2:80 a.test p1 w7, ::1:81 b.test p2 w1"
	a := receive(t, g.ask(Question{Name: "Test", Service: "http"}))
	assert.Equal(t, want, services(a))
	assert.Equal(t, []Outcome{{"nx.test", NotFound}}, a.Failed)
	assert.Equal(t, g.now()+5, a.Valid)
	for _, service := range []string{"_http._tcp", "_HTTP._TCP"} {
		a = receive(t, g.ask(Question{Name: "test.", Service: service}))
		assert.Equal(t, "test", a.Name)
		assert.Len(t, a.Addrs, 3)
	}
	assert.Len(t, strings.Split(services(receive(t, g.ask(Question{Name: "test", Service: "alias."}))), ","), 1,
		"a service with a dot is taken as it is")
}

func TestServiceOfAnAlias(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Set("_x._tcp.test", "CNAME _y._tcp.test")
	g.dns[0].Set("_y._tcp.test", "SRV 1 1 80 a.test")
	g.dns[0].Set("a.test", "A 127.0.0.1")
	assert.Equal(t, "127.0.0.1:80 a.test p1 w1", services(receive(t, g.ask(Question{Name: "test", Service: "x"}))))
}

func TestServiceFailures(t *testing.T) {
	g := newRig(t, 1, Config{Valid: time.Minute})
	g.dns[0].Set("_bad._tcp.test", "SRV 1 1 80 servfail.test", "SRV 2 1 80 nx.test")
	g.dns[0].Set("_worse._tcp.test", "SRV 1 1 80 servfail.test")
	g.dns[0].Set("_slow._tcp.test", "SRV 1 1 80 silent.test")
	g.dns[0].Set("_silent._tcp.test", "SILENT")
	g.dns[0].Set("servfail.test", "CODE 2")
	g.dns[0].Set("silent.test", "SILENT")
	for service, want := range map[string]Code{
		"bad": NotFound, "worse": ServerFailure, "slow": TimedOut, "silent": TimedOut, "none": NotFound,
	} {
		timeout := time.Hour
		if want == TimedOut {
			timeout = 50 * time.Millisecond
		}
		a := receive(t, g.ask(Question{Name: "test", Service: service, Timeout: timeout}))
		assert.Equal(t, Outcome{"test", want}, a.Outcome, service)
		assert.Equal(t, g.now()+60, a.Valid, service)
	}
}

// Hosts of the same priority come in an order that is left to chance, by weight.
func TestServiceWeights(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Set("_x._tcp.test", "SRV 1 1000 80 a.test", "SRV 1 1 80 b.test", "SRV 1 1000 80 c.test")
	for i, name := range []string{"a.test", "b.test", "c.test"} {
		g.dns[0].Set(name, fmt.Sprintf("A 127.0.0.%d", i+1))
	}
	first := map[string]int{}
	for range 1000 {
		a := receive(t, g.ask(Question{Name: "test", Service: "x"}))
		first[a.Addrs[0].Host]++
		order := a.Addrs[0].Host + a.Addrs[1].Host + a.Addrs[2].Host
		assert.Contains(t, "a.testb.testc.testa.testb.test", order)
	}
	assert.Greater(t, first["a.test"], 300)
	assert.Greater(t, first["c.test"], 300)
	assert.Less(t, first["b.test"], 50)
}

func TestCancelledService(t *testing.T) {
	g := newRig(t, 1, Config{NoIPv6: true})
	g.dns[0].Set("_x._tcp.test", "SRV 1 1 80 silent.test")
	g.dns[0].Set("_y._tcp.test", "SRV 1 1 80 a.test")
	g.dns[0].Set("silent.test", "SILENT")
	g.dns[0].Set("a.test", "A 127.0.0.1")
	answers := make(chan *Answer, 1)
	q := g.Ask(Question{Name: "test", Service: "x"}, func(a *Answer) { answers <- a })
	receive(t, g.ask(Question{Name: "test", Service: "y"}))
	q.Cancel()
	g.mu.Lock()
	for _, e := range g.entries {
		assert.Empty(t, e.waiting, e.name)
	}
	g.mu.Unlock()
	assert.Empty(t, answers)
}
