package stream

// upstream_zone.go - ngx_stream_upstream_zone_module: servers with "resolve",
// whose addresses are followed while running. The zone directive itself is in
// package upstream.

import (
	"cmp"
	"fmt"
	"sync"
	"time"

	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/guard"
	"github.com/gostream/gostream/internal/resolver"
	"github.com/gostream/gostream/upstream"
)

// withResolver gives a group the resolver of the stream block if it has none.
func (g *generation) withResolver(c *upstream.Config) *upstream.Config {
	own, stream := *c, &g.conf.Defaults.Core
	own.Resolver = cmp.Or(c.Resolver, stream.Resolver)
	own.ResolverTimeout = cmp.Or(c.ResolverTimeout, stream.ResolverTimeout, 30*time.Second)
	return &own
}

// follower keeps the addresses of a server up to date.
type follower struct {
	gen      *generation
	group    *upstream.Group
	name     *upstream.Name
	key      followed
	resolver *resolver.Resolver
	timeout  time.Duration // for an answer; 0: none

	mu      sync.Mutex
	stopped bool
	timer   *time.Timer
	request *resolver.Request
}

// addFollowers prepares to follow the servers of a group.
func (g *generation) addFollowers(u *upstream.Group, c *upstream.Config) error {
	if len(u.Names()) == 0 {
		return nil
	}
	r, err := g.resolver(c.Resolver)
	if err != nil {
		return err
	}
	for _, name := range u.Names() {
		g.followers = append(g.followers, &follower{
			gen: g, group: u, name: name, resolver: r, timeout: max(c.ResolverTimeout, 0),
			key: followed{Zone: c.Zone, Group: c.Name, Host: name.Host, Service: name.Service, Backup: name.Backup},
		})
	}
	return nil
}

// recall gives the servers the addresses that they had before.
func (g *generation) recall() {
	for _, f := range g.followers {
		if k := g.memory.get(f.key); len(k.Addrs) > 0 {
			f.group.Update(f.name, k.Addrs)
		}
	}
}

// follow begins to follow, when the configuration is put in force.
func (g *generation) follow() {
	keys := map[followed]bool{}
	for _, f := range g.followers {
		keys[f.key] = true
	}
	g.memory.keep(keys)
	for _, f := range g.followers {
		f.start()
	}
}

// unfollow ends that.
func (g *generation) unfollow() {
	for _, f := range g.followers {
		f.stop()
	}
}

// start asks at once, or when what was known before has had its time.
func (f *follower) start() {
	valid := time.Duration(0)
	if k := f.gen.memory.get(f.key); len(k.Addrs) > 0 {
		valid = max(time.Duration(k.Valid-time.Now().Unix())*time.Second, 0)
	}
	f.again(valid)
}

// again asks in a while.
func (f *follower) again(in time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.stopped {
		f.timer = guard.AfterFunc(in, "upstream", f.onPanic, f.ask)
	}
}

// onPanic makes the follower go on.
func (f *follower) onPanic(p *guard.Panic) {
	f.gen.panicked(p)
	f.again(max(f.timeout, time.Second))
}

func (f *follower) ask() {
	q := resolver.Question{Name: f.name.Host, Service: f.name.Service, Timeout: f.timeout}
	request := f.resolver.Ask(q, func(a *resolver.Answer) {
		guard.Run("upstream", f.onPanic, func() { f.answered(a) })
	})
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.request = request; f.stopped {
		request.Cancel()
	}
}

func (f *follower) stop() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	if f.timer != nil {
		f.timer.Stop()
	}
	if f.request != nil {
		f.request.Cancel()
	}
}

// answered takes the answer, and asks again when it has had its time. That there
// is no such host is an answer like others; after other failures the addresses
// stay.
func (f *follower) answered(a *resolver.Answer) {
	f.mu.Lock()
	stopped := f.stopped
	f.mu.Unlock()
	if stopped {
		return
	}
	f.logFailures(a)
	if a.Code != resolver.Found && a.Code != resolver.NotFound {
		f.again(max(f.timeout, time.Second))
		return
	}
	addrs := make([]upstream.Address, len(a.Addrs))
	for i := range a.Addrs {
		addrs[i] = upstream.Address(a.Addrs[i])
		f.gen.debugf("name %s was resolved to %s", f.name.Host, addrs[i].IP)
	}
	f.group.Update(f.name, addrs)
	f.gen.memory.set(f.key, known{Addrs: addrs, Valid: a.Valid})
	f.again(pauseUntil(a.Valid))
}

// pauseUntil is how long an answer is to be left alone that is good until the
// end of a second: until a second later, as in nginx, which counts whole ones.
func pauseUntil(valid int64) time.Duration {
	now := time.Now()
	if valid > now.Unix() {
		return time.Duration(valid-now.Unix()+1) * time.Second
	}
	return now.Truncate(time.Second).Add(time.Second).Sub(now)
}

// logFailures says what could not be found.
func (f *follower) logFailures(a *resolver.Answer) {
	for _, host := range a.Failed {
		f.gen.mainLog.Write(errlog.Error, errlog.Record{Text: fmt.Sprintf("%s while resolving service %s of %s", host, f.name.Service, a.Name)})
	}
	text := a.String()
	if f.name.Service != "" {
		text = "service " + f.name.Service + " of " + text
	}
	if a.Code != resolver.Found {
		f.gen.mainLog.Write(errlog.Error, errlog.Record{Text: text})
	}
}

func (g *generation) debugf(format string, args ...any) {
	if g.mainLog.Enabled(errlog.Debug) {
		g.mainLog.Write(errlog.Debug, errlog.Record{Text: fmt.Sprintf(format, args...)})
	}
}
