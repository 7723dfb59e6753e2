package stream

import (
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gostream/gostream/internal/vars"
)

// NginxVersion is the version of nginx whose behaviour gostream reproduces,
// and what $nginx_version shows.
const NginxVersion = "1.31.5"

type (
	registry = vars.Registry[*Session]
	template = vars.Template[*Session]
	variable = vars.Variable[*Session]
	getter   = vars.Getter[*Session]
)

// coreVariables are those of ngx_stream_core_module.
var coreVariables = []variable{
	{Name: "remote_addr", Get: addressVariable((*Session).remoteAddr, endpoint.appendHost)},
	{Name: "remote_port", Get: addressVariable((*Session).remoteAddr, endpoint.appendPort)},
	{Name: "binary_remote_addr", Get: addressVariable((*Session).remoteAddr, endpoint.appendBinary)},
	{Name: "server_addr", Get: addressVariable((*Session).localAddr, endpoint.appendHost)},
	{Name: "server_port", Get: addressVariable((*Session).localAddr, endpoint.appendPort)},
	{Name: "server_name", Once: true, Get: func(s *Session, b []byte) ([]byte, bool) { return append(b, s.srv.name...), true }},
	{Name: "protocol", Get: protocolVariable},
	{Name: "status", Get: statusVariable},
	{Name: "bytes_received", Once: true, Get: func(s *Session, b []byte) ([]byte, bool) { return strconv.AppendInt(b, s.received(), 10), true }},
	{Name: "bytes_sent", Once: true, Get: func(s *Session, b []byte) ([]byte, bool) { return strconv.AppendInt(b, s.sent(), 10), true }},
	{Name: "session_time", Get: func(s *Session, b []byte) ([]byte, bool) {
		return appendMsec(b, s.now().UnixMilli()-s.start), true
	}},
	{Name: "msec", Get: func(s *Session, b []byte) ([]byte, bool) { return appendMsec(b, s.now().UnixMilli()), true }},
	{Name: "time_iso8601", Get: func(s *Session, b []byte) ([]byte, bool) {
		return s.now().Local().AppendFormat(b, "2006-01-02T15:04:05-07:00"), true
	}},
	{Name: "time_local", Get: func(s *Session, b []byte) ([]byte, bool) {
		return s.now().Local().AppendFormat(b, "02/Jan/2006:15:04:05 -0700"), true
	}},
	{Name: "connection", Get: func(s *Session, b []byte) ([]byte, bool) { return strconv.AppendUint(b, s.number, 10), true }},
	{Name: "pid", Get: func(_ *Session, b []byte) ([]byte, bool) { return strconv.AppendInt(b, int64(os.Getpid()), 10), true }},
	{Name: "hostname", Get: func(s *Session, b []byte) ([]byte, bool) { return append(b, s.gen.hostname...), true }},
	{Name: "nginx_version", Get: func(_ *Session, b []byte) ([]byte, bool) { return append(b, NginxVersion...), true }},
}

// addressVariable shows a part of an address. There is no value if the address is
// not known.
func addressVariable(of func(*Session) endpoint, part func(endpoint, []byte) []byte) getter {
	return func(s *Session, b []byte) ([]byte, bool) {
		e := of(s)
		return part(e, b), e.known()
	}
}

func protocolVariable(s *Session, b []byte) ([]byte, bool) {
	if s.udp {
		return append(b, "UDP"...), true
	}
	return append(b, "TCP"...), true
}

// statusVariable is 000 as long as the session is not over.
func statusVariable(s *Session, b []byte) ([]byte, bool) {
	if s.status == 0 {
		return append(b, "000"...), true
	}
	return strconv.AppendInt(b, int64(s.status), 10), true
}

// appendMsec writes milliseconds the way nginx shows times: seconds, a point
// and three digits. Clocks that went back count as zero.
func appendMsec(b []byte, ms int64) []byte {
	ms = max(ms, 0)
	b = strconv.AppendInt(b, ms/1000, 10)
	ms %= 1000
	return append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
}

func hostname() string {
	name, _ := os.Hostname()
	return strings.ToLower(name)
}

// cell keeps a variable that is computed once per session: those of map and
// set, named captures, and builtin ones with Once.
type cell struct {
	state cellState
	text  []byte
}

type cellState uint8

const (
	cellEmpty   cellState = iota // not computed yet
	cellFound                    // text is the value
	cellMissing                  // there is no value
)

// cell returns the session's cell of this index. The backing array outlives
// the session and is used again by the next.
func (s *Session) cell(i int) *cell {
	for len(s.cells) <= i {
		if len(s.cells) < cap(s.cells) {
			s.cells = s.cells[:len(s.cells)+1]
			c := &s.cells[len(s.cells)-1]
			c.state, c.text = cellEmpty, c.text[:0]
			continue
		}
		s.cells = append(s.cells, cell{})
	}
	return &s.cells[i]
}

func (c *cell) set(text []byte) {
	c.state, c.text = cellFound, append(c.text[:0], text...)
}

// cached makes a getter that computes the variable of this name at its first
// use in a session, or each time if it is volatile. What set has put in its
// place stays, volatile or not.
func (g *generation) cached(name string, get getter, volatile bool) getter {
	i := g.cellIndex(name)
	return func(s *Session, b []byte) ([]byte, bool) {
		if c := s.cell(i); c.state != cellEmpty {
			return append(b, c.text...), c.state == cellFound
		}
		from := len(b)
		b, found := get(s, b)
		if volatile {
			return b, found
		}
		c := s.cell(i)
		if c.state, c.text = cellMissing, c.text[:0]; found {
			c.set(b[from:])
		}
		return b, found
	}
}

// clock values of a session are whole milliseconds, as nginx's are.
func msec(t time.Time) int64 { return t.UnixMilli() }

// value is the text of a cell, empty as long as there is none.
func (c *cell) value() []byte {
	if c.state != cellFound {
		return nil
	}
	return c.text
}

// defineVariables makes all variables known, then binds what they depend on.
func (g *generation) defineVariables(servers []*ServerConfig) error {
	if err := addBuiltins(&g.vars, g); err != nil {
		return err
	}
	var binds []func() error
	for _, d := range g.conf.definitionsInOrder() {
		bind, err := d.declare(g)
		if err != nil {
			return err
		}
		binds = append(binds, bind)
	}
	for _, c := range servers {
		if err := g.declareSet(c); err != nil {
			return err
		}
		if err := g.declareNameCaptures(c); err != nil {
			return err
		}
	}
	for _, bind := range binds {
		if err := bind(); err != nil {
			return err
		}
	}
	return nil
}

// checkVariables tells of variables that nothing defines, and of those that
// nginx's table for them has no room for.
func (g *generation) checkVariables() error {
	for _, name := range g.conf.uses {
		if g.vars.Lookup(name) == nil {
			return &vars.UnknownError{Name: name}
		}
	}
	if g.unknown != nil {
		return g.unknown
	}
	size := hashSize("variables_hash", g.conf.hash.variablesMaxSize, g.conf.hash.variablesBucketSize, 1024)
	warning, err := size.Check(g.vars.Defined())
	if warning != "" {
		g.conf.warn(warning)
	}
	return err
}
