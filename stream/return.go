package stream

// return.go - ngx_stream_return_module: return.

import (
	"errors"
	"os"
	"time"

	"github.com/gostream/gostream/internal/conf"
)

// returnTimeout bounds each wait for a client that does not take the text.
const returnTimeout = 5 * time.Second

var returnTable = &conf.Table[ServerConfig]{
	Name: "stream_return",
	Commands: []conf.Command[ServerConfig]{
		{Name: "return", Syntax: "value", In: conf.Server, Set: conf.Func(setReturn)},
	},
}

func setReturn(c *ServerConfig, d *conf.Directive) error {
	if c.Return != nil {
		return d.Duplicate()
	}
	if err := d.CheckValue(d.Args[0]); err != nil {
		return err
	}
	c.Return, c.content = &d.Args[0], contentReturn
	return nil
}

// returnText sends the text and ends the session.
func (s *Session) returnText() Status {
	s.action = "returning text"
	buf := takeBuffer()
	defer buf.release()
	buf.b = s.srv.returnValue.Append(buf.b[:0], s)
	if len(buf.b) == 0 {
		return statusOK
	}
	n, err := s.transport.write(buf.b, returnTimeout)
	s.bytesSent += int64(n)
	if err == nil {
		return statusOK
	}
	s.clientError(s.sendCall(), err)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return statusOK
	}
	return statusInternal
}
