package stream

// proxy_connect.go - from proxy_pass to a connected upstream: which group, which
// server of it, how often it is tried.

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/gostream/gostream/internal/addr"
	"github.com/gostream/gostream/internal/conf"
	"github.com/gostream/gostream/internal/errlog"
	"github.com/gostream/gostream/internal/relay"
	"github.com/gostream/gostream/internal/resolver"
)

// proxyServer is the compiled [ProxyConfig] of a server.
type proxyServer struct {
	group *group    // of a literal proxy_pass
	pass  *template // of one with variables

	resolver        *resolver.Resolver // for names that it yields; nil: none
	resolverTimeout time.Duration      // 0: none

	bind          proxyBind
	dial          dialOptions
	relay         relay.Options
	uploadRate    *template
	downloadRate  *template
	nextUpstream  bool
	tries         int           // 0: all
	triesTimeout  time.Duration // 0: none
	proxyProtocol ProxyProtocol
	tls           *proxyTLS // of proxy_ssl; nil: off
}

func (g *generation) compileProxy(c *ServerConfig, p *proxyServer) (err error) {
	from := &c.Proxy
	*p = proxyServer{
		dial: dialOptions{timeout: max(from.ConnectTimeout, 0), nodelay: c.Core.TCPNodelay.On(), keepalive: from.SocketKeepalive.On(),
			rcvbuf: int(max(from.SocketRcvBuf, 0)), sndbuf: int(max(from.SocketSndBuf, 0)), dialer: from.Dial},
		relay: relay.Options{
			Timeout: max(from.Timeout, 0), BufferSize: int(max(from.BufferSize, 1)), HalfClose: from.HalfClose.On(),
			Requests: max(from.Requests, 0), Responses: from.answers(),
		},
		nextUpstream: from.NextUpstream.On(),
		tries:        int(max(from.NextUpstreamTries, 0)), triesTimeout: max(from.NextUpstreamTimeout, 0),
		proxyProtocol: from.ProxyProtocol, tls: p.tls,
	}
	if p.bind, err = g.compileBind(from.Bind); err != nil {
		return err
	}
	if p.uploadRate, err = g.compile(from.UploadRate); err != nil {
		return err
	}
	if p.downloadRate, err = g.compile(from.DownloadRate); err != nil {
		return err
	}
	if p.pass, err = g.compile(from.Pass); err != nil {
		return err
	}
	text, static := p.pass.Static()
	if !static {
		p.resolverTimeout = max(c.Core.ResolverTimeout, 0)
		p.resolver, err = g.resolver(c.Core.Resolver)
		return err
	}
	if p.group, err = g.groups.literal(text); err != nil && c.proxyPassAt.File != "" {
		err = c.proxyPassAt.Errorf("%s", err)
	}
	return err
}

// try is one attempt to reach a server: what the $upstream_* lists show.
type try struct {
	peer           string // the server's address, or the group's name if none was left
	sent, received int64  // bytes
	start          int64  // Unix milliseconds
	connect        int64  // milliseconds since start; -1: not reached
	firstByte      int64
	session        int64
}

// proxy is the content handler of proxy_pass.
func (s *Session) proxy() Status {
	s.action = ""
	s.up.active = true
	s.up.tries = s.up.firstTry[:0]
	s.up.local = s.chooseLocal()
	if status := s.chooseGroup(); status != next {
		return status
	}
	s.up.began = msec(s.now())
	for {
		status, connected := s.tryUpstream()
		if connected {
			return s.relayUpstream()
		}
		if status != next {
			s.transport.refuse()
			return status
		}
	}
}

// chooseGroup finds the group of servers: a fixed one, or the one that the
// value of proxy_pass names for this session.
func (s *Session) chooseGroup() Status {
	p := &s.srv.proxy
	buf := takeBuffer()
	defer buf.release()
	g := p.group
	if g == nil {
		var status Status
		buf.b = p.pass.Append(buf.b, s)
		if g, status = s.evaluateGroup(string(buf.b)); g == nil {
			return status
		}
	}
	s.up.group = g
	var key []byte
	if g.key != nil {
		buf.b = g.key.Append(buf.b[:0], s)
		key = buf.b
	}
	g.Start(&s.up.selection, key)
	if p.tries > 0 {
		s.up.selection.LimitTries(p.tries)
	}
	return next
}

// evaluateGroup finds the group for a value of proxy_pass.
func (s *Session) evaluateGroup(text string) (*group, Status) {
	g, u, err := s.gen.groups.evaluated(text)
	switch {
	case err != nil:
		s.log(errlog.Error, err.Error(), nil)
		return nil, statusInternal
	case g == nil:
		return s.resolve(&u)
	}
	return g, next
}

// tryUpstream takes the next server of the group and connects to it. If that
// fails, the status reports whether to end or, being next, to try again.
func (s *Session) tryUpstream() (status Status, connected bool) {
	s.action = connecting
	now := s.now()
	s.endTry(now)
	s.up.tries = append(s.up.tries, try{start: msec(now), connect: -1, firstByte: -1, session: -1})
	t := &s.up.tries[len(s.up.tries)-1]

	peer, err := s.up.group.Next(&s.up.selection, now)
	if err != nil {
		t.peer, s.up.name = s.up.group.name, s.up.group.name
		s.log(errlog.Error, "no live upstreams", nil)
		return statusBadGateway, false
	}
	s.up.peer = peer
	t.peer, s.up.name = peer.Name(), peer.Name()
	s.debug("connecting to a server of the group")
	if err := s.transport.connect(peer, &s.srv.proxy.dial); err != nil {
		return s.connectFailed(err), false
	}
	if status, reached := s.handshakeUpstream(); !reached {
		return status, false
	}
	s.connected(t)
	return next, true
}

// endTry closes the account of the try before, if there is one.
func (s *Session) endTry(now time.Time) {
	if n := len(s.up.tries); n > 0 && s.up.tries[n-1].session < 0 {
		s.up.tries[n-1].session = msec(now) - s.up.tries[n-1].start
	}
}

// connected notes that the server was reached.
func (s *Session) connected(t *try) {
	now := s.now()
	if s.udp {
		s.up.group.Associated(&s.up.selection, s.up.peer, now)
	} else {
		s.up.group.Connected(&s.up.selection, s.up.peer, now)
	}
	t.connect = msec(now) - t.start
	if !s.errorLog().Enabled(errlog.Info) {
		return
	}
	buf := takeBuffer()
	defer buf.release()
	local := s.transport.upstreamAddr()
	if s.udp {
		buf.b = append(buf.b, "udp "...)
	}
	buf.b = local.append(append(buf.b, "proxy "...))
	buf.b = append(append(buf.b, " connected to "...), s.up.name...)
	s.logPlain(errlog.Info, string(buf.b))
}

// connectFailed reports the failure and decides whether another server may be
// tried.
func (s *Session) connectFailed(err error) Status {
	s.logConnectError(err)
	if errors.Is(err, errNoConnections) || errors.As(err, new(*localError)) {
		// Not the server's fault: out of descriptors, for instance. It does not
		// count as tried.
		s.lastTry().peer = ""
		s.up.group.Done(&s.up.selection, s.up.peer, s.now())
		s.up.peer = nil
		return statusInternal
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		// All local ports towards this server are taken, which is no fault of its.
		s.up.group.Unreached(&s.up.selection, s.up.peer, s.now())
		return s.tryAnother()
	}
	return s.upstreamFailed()
}

// upstreamFailed gives the server a bad mark, and returns next if another one may
// be tried.
func (s *Session) upstreamFailed() Status {
	if s.up.group.Failed(&s.up.selection, s.up.peer, s.now()) {
		s.log(errlog.Warn, "upstream server temporarily disabled", nil)
	}
	return s.tryAnother()
}

// tryAnother returns next if another server may be tried.
func (s *Session) tryAnother() Status {
	now := s.now()
	s.up.peer = nil
	s.transport.closeUpstream()
	p := &s.srv.proxy
	late := p.triesTimeout > 0 && time.Duration(msec(now)-s.up.began)*time.Millisecond >= p.triesTimeout
	if s.up.selection.Tries() == 0 || !p.nextUpstream || late {
		return statusBadGateway
	}
	return next
}

func (s *Session) logConnectError(err error) {
	var local *localError
	var call *os.SyscallError
	switch {
	case errors.As(err, &local):
		s.log(local.level, local.call+" failed", local.err)
	case errors.Is(err, errNoConnections):
		s.log(errlog.Alert, s.gen.noConnections(), nil)
	case errors.Is(err, os.ErrDeadlineExceeded):
		s.log(errlog.Error, "upstream timed out", syscall.ETIMEDOUT)
	case errors.As(err, &call):
		s.log(connectLevel(call.Err), "connect() to "+s.up.name+" failed", call.Err)
	case errors.As(err, new(syscall.Errno)):
		s.log(peerErrorLevel(err, errlog.Error), "connect() failed", err)
	default:
		// A program's own dialer has more to say than a number.
		s.log(errlog.Error, "connect() failed ("+err.Error()+")", nil)
	}
}

// connectLevel is the level of what connect() returns at once: that nobody
// listens or no way leads there is an error, a missing socket more than that.
func connectLevel(err error) errlog.Level {
	switch err {
	case syscall.ECONNREFUSED, syscall.EAGAIN, syscall.ECONNRESET, syscall.ENETDOWN, syscall.ENETUNREACH, syscall.EHOSTDOWN, syscall.EHOSTUNREACH:
		return errlog.Error
	}
	return errlog.Crit
}

// rates evaluates the limits for this session.
func (s *Session) rates() (r relay.Rates) {
	p := &s.srv.proxy
	r.Upload, r.Download = s.rate(p.uploadRate), s.rate(p.downloadRate)
	if r.Upload > 0 || r.Download > 0 {
		r.Start = time.UnixMilli(s.up.began)
	}
	return r
}

// noRate reports that a rate is no limit for any session.
func noRate(value *template) bool {
	text, static := value.Static()
	return static && (text == "" || text == "0")
}

func (s *Session) rate(value *template) int64 {
	if noRate(value) {
		return 0
	}
	text := string(value.Append(nil, s))
	n, ok := conf.ParseSize(text)
	if !ok {
		s.logf(errlog.Error, "invalid size \"%s\"", text)
		return 0
	}
	return n
}

// rateSlot is the setter of a rate: a size, or a value with variables.
func rateSlot(field func(*ServerConfig) *string) conf.Setter[ServerConfig] {
	return conf.Slot(field, func(d *conf.Directive) (string, error) {
		text := d.Args[0]
		if strings.Contains(text, "$") {
			return text, d.CheckValue(text)
		}
		if _, ok := conf.ParseSize(text); !ok {
			return "", d.Fail("invalid value")
		}
		return text, nil
	})
}

// setProxyPass keeps the text and where it stood: whether it names an upstream
// is only known when all are read.
func setProxyPass(c *ServerConfig, d *conf.Directive) error {
	if c.Proxy.Pass != "" {
		return d.Duplicate()
	}
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	if !strings.Contains(d.Args[0], "$") {
		u, err := addr.Parse(d.Args[0], addr.Options{NoResolve: true})
		if err != nil {
			return d.Errorf("%v in upstream \"%s\"", err, d.Args[0])
		}
		if err := c.stream.notePass(u, d); err != nil {
			return err
		}
	}
	c.Proxy.Pass, c.content, c.proxyPassAt = d.Args[0], contentProxy, conf.Directive{File: d.File, Line: d.Line}
	return nil
}
