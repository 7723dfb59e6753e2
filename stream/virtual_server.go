package stream

// virtual_server.go - a compiled server block.

import (
	"crypto/tls"
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

	nodelay              bool
	sslPreread           bool
	prereadSize          int
	prereadTimeout       time.Duration
	proxyProtocolTimeout time.Duration

	set        []assignment
	access     []accessRule
	realip     []trusted
	limits     []limit
	tls        *tls.Config // of listen ... ssl; nil: no certificate
	errorLog   *errlog.Log
	accessLogs []accessLog
}

func (g *generation) compileServer(c *ServerConfig) (*server, error) {
	srv := &server{
		conf: c, name: primaryName(c.ServerName),
		nodelay: c.Core.TCPNodelay.On(), sslPreread: c.SSLPreread.On(),
		prereadSize:          int(max(c.Core.PrereadBufferSize, 1)),
		prereadTimeout:       max(c.Core.PrereadTimeout, 0),
		proxyProtocolTimeout: max(c.Core.ProxyProtocolTimeout, 0),
	}
	for _, step := range []func(*ServerConfig, *server) error{
		g.compileContent, g.compileChecks, g.compileTLS, g.compileLogs,
	} {
		if err := step(c, srv); err != nil {
			return nil, err
		}
	}
	return srv, nil
}

func (g *generation) compileLogs(c *ServerConfig, srv *server) (err error) {
	if srv.errorLog, err = g.openErrorLog(c.ErrorLog); err != nil {
		return err
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
		srv.content = (*Session).returnText
	}
	if c.Proxy.Pass == "" {
		return nil
	}
	if err := g.compileProxy(c, &srv.proxy); err != nil {
		return err
	}
	if c.Return == nil || c.content == contentProxy {
		srv.content = (*Session).proxy
	}
	return nil
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
	srv.limits, err = g.compileLimits(c)
	return err
}
