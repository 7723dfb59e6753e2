package stream

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/gostream/gostream/internal/streamtest"
)

// TestBrokenTLV is logged once in a session, as what nginx 1.31.5 was doing when
// somebody first asked for it.
func TestBrokenTLV(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		s := startWith(t, change, `
			log_format l '$status tlv="$proxy_protocol_tlv_alpn" $proxy_protocol_tlv_alpn'; access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0 proxy_protocol; return "[$proxy_protocol_tlv_alpn]$proxy_protocol_tlv_alpn"; }
			server { listen 127.0.0.1:PORT1 proxy_protocol; proxy_pass ECHO; }`, "ECHO", streamtest.Echo(t, ""))
		broken := v2Header(t, "10.0.0.1", "10.0.0.2", 1, 2, []byte("\x01\x00\x20ab")) // says 32 bytes, has 2
		assert.Equal(t, "[]", s.ask("PORT0", broken))
		c := s.dial("PORT1")
		streamtest.Send(t, c, broken)
		streamtest.Send(t, c, "data")
		streamtest.Expect(t, c, "data")
		c.Close()
		s.lines("access.log", 2)
		const line = "broken PROXY protocol TLV while "
		assert.Equal(t, []string{
			"[error] *1 " + line + `returning text, client: 127.0.0.1, server: 127.0.0.1:` + s.ports["PORT0"],
			"[error] *2 " + line + `proxying connection, client: 127.0.0.1, server: 127.0.0.1:` + s.ports["PORT1"] +
				`, upstream: "` + s.extra[1] + `", bytes from/to client:4/4, bytes from/to upstream:4/0`,
		}, s.errors("error"))
	})
}
