package stream

// virtual_server.go - a compiled server block.

import (
	"time"

	"github.com/gostream/gostream/internal/errlog"
)

// server is a server block ready to serve.
type server struct {
	conf *ServerConfig
	name string // $server_name

	content     func(*Session) Status // nil: none, sessions end with 500
	returnValue *template
	proxy       proxyServer
	passTo      *template

	nodelay              bool
	sslPreread           bool
	prereadSize          int
	prereadTimeout       time.Duration
	proxyProtocolTimeout time.Duration

	set        []assignment
	access     []accessRule
	realip     []trusted
	limits     []limit
	tls        *serverTLS // of listen ... ssl; nil: no certificate
	errorLog   *errlog.Log
	debugLog   *errlog.Log // for clients of debug_connection; nil: there are none
	accessLogs []accessLog
}

func newServer(c *ServerConfig) *server {
	return &server{
		conf: c, name: primaryName(c.ServerName),
		nodelay: c.Core.TCPNodelay.On(), sslPreread: c.SSLPreread.On(),
		prereadSize:          int(max(c.Core.PrereadBufferSize, 1)),
		prereadTimeout:       max(c.Core.PrereadTimeout, 0),
		proxyProtocolTimeout: max(c.Core.ProxyProtocolTimeout, 0),
	}
}

func (g *generation) compileLogs(c *ServerConfig, srv *server) (err error) {
	if srv.errorLog, err = g.makeErrorLog(c.ErrorLog); err != nil {
		return err
	}
	if len(g.debug) > 0 {
		srv.debugLog = srv.errorLog.Verbose()
	}
	srv.accessLogs, err = g.compileAccessLogs(c)
	return err
}

// compileContent finds what the server does with sessions.
func (g *generation) compileContent(c *ServerConfig, srv *server) (err error) {
	if c.Return != nil {
		if srv.returnValue, err = g.compile(*c.Return); err != nil {
			return err
		}
	}
	if c.Proxy.Pass != "" {
		if err := g.compileProxy(c, &srv.proxy); err != nil {
			return err
		}
	}
	if srv.passTo, err = g.compile(c.Pass); err != nil {
		return err
	}
	kind := c.contentKind()
	srv.content = contents[kind]
	return nil
}

// contents are the content handlers.
var contents = [...]func(*Session) Status{
	contentDefault: nil, contentReturn: (*Session).returnText, contentProxy: (*Session).proxy, contentPass: (*Session).pass,
}

// contentKind is what was written last, or what there is.
func (c *ServerConfig) contentKind() contentKind {
	switch {
	case c.content != contentDefault:
		return c.content
	case c.Return != nil:
		return contentReturn
	case c.Proxy.Pass != "":
		return contentProxy
	case c.Pass != "":
		return contentPass
	}
	return contentDefault
}

// compileChecks prepares the steps before the content.
func (g *generation) compileChecks(c *ServerConfig, srv *server) (err error) {
	if srv.set, err = g.compileSet(c); err != nil {
		return err
	}
	if srv.access, err = compileAccess(c.Access); err != nil {
		return err
	}
	for _, from := range c.RealIP {
		t, _, err := compileRealIP(from)
		if err != nil {
			return err
		}
		srv.realip = append(srv.realip, t)
	}
	srv.limits = g.compileLimits(c)
	return nil
}
