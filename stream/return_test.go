package stream

import (
	"io"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A client that is reset while a text is sent ends the session with 500, one
// that does not read it with 200. Neither takes more of it than fits into sockets.
func TestReturnToClientThatDoesNotRead(t *testing.T) {
	const block = `log_format l "$status"; access_log DIR/access.log l;
		server { listen 127.0.0.1:PORT0 sndbuf=16k; set $a "0123456789abcdef"; set $b "ALL_A"; set $c "ALL_B"; set $d "ALL_C"; return $d; }`
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		t.Parallel() // the server waits for 5 seconds
		s := startWith(t, change, block,
			"ALL_A", strings.Repeat("$a", 100), "ALL_B", strings.Repeat("$b", 100), "ALL_C", strings.Repeat("$c", 10))
		one := make([]byte, 1)
		for _, end := range []struct {
			leave             func(net.Conn)
			status, complaint string
		}{
			{resetClient, "500", "*1 writev() failed (104: Connection reset by peer) while returning text, client: 127.0.0.1"},
			{nil, "200", "*2 connection timed out (110: Connection timed out) while returning text, client: 127.0.0.1"},
		} {
			conn := s.dial("PORT0")
			_, err := io.ReadFull(conn, one)
			require.NoError(t, err)
			n := 2
			if end.leave != nil {
				end.leave(conn)
				n = 1
			}
			assert.Equal(t, end.status, s.lines("access.log", n)[n-1])
			said := s.errors("info")
			assert.Contains(t, said[len(said)-1], end.complaint)
		}
	})
}

func resetClient(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}
