package stream

import (
	"encoding/json"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/gostream/gostream/internal/streamtest"
)

// dialPackets is the client of a UDP server at an address in which the words of
// a configuration may occur.
func (s *site) dialPackets(address string) net.Conn {
	s.t.Helper()
	if portWord.MatchString(address) && !strings.Contains(address, ":") {
		address = "127.0.0.1:" + address
	}
	return streamtest.Dial(s.t, "udp", s.text(address))
}

// datagrams sends the first word of each text, and waits for the others.
func datagrams(texts ...string) play { return datagramSessions(-1, texts...) }

// datagramSessions is datagrams that are a session each, which follow a number
// of others. Negative: they are one session.
func datagramSessions(before int, texts ...string) play {
	return func(s *site) string {
		c := s.dialPackets("PORT0")
		var got []string
		for i, text := range texts {
			if before >= 0 && before+i > 0 {
				s.lines("access.log", before+i)
			}
			words := strings.Split(text, " ")
			streamtest.Send(s.t, c, words[0])
			for range words[1:] {
				got = append(got, streamtest.Datagram(s.t, c))
			}
		}
		return strings.Join(got, "|")
	}
}

// prefixing is the upstream of recordings: it answers all but "drop", and "two"
// twice.
func prefixing(t *testing.T) string {
	return streamtest.Datagrams(t, func(p []byte, answer func(string)) {
		if string(p) == "drop" {
			return
		}
		answer("U:" + string(p))
		if string(p) == "two" {
			answer("U:two")
		}
	})
}

// datagramBehindHeader waits for the answer to a datagram that reaches the
// upstream with a PROXY header, and makes ports and checksum of one of version
// 2 those of the recording.
func datagramBehindHeader(s *site) string {
	c := s.dialPackets("PORT0")
	streamtest.Send(s.t, c, "data")
	got := []byte(streamtest.Datagram(s.t, c))
	if got[2] == '\r' {
		copy(got[2+16+8:], "\xb6\xb6\x32\x94")
		copy(got[2+16+12+3:], "\x92\x1d\x55\xc4")
	}
	var text strings.Builder
	for _, b := range got {
		text.WriteRune(rune(b))
	}
	return text.String()
}

func TestEmptyDatagram(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		var v struct{ Output string }
		require.NoError(t, json.Unmarshal(rawRecordings(t, "udp empty datagram")[0], &v))
		_, logged, _ := strings.Cut(v.Output, "; ")
		got := make(chan string, 1)
		address := streamtest.Datagrams(t, func(p []byte, answer func(string)) {
			got <- string(p)
			answer("x")
		})
		s := startWith(t, change, `server { listen 127.0.0.1:PORT0 udp; proxy_pass UPSTREAM; proxy_responses 1; }`, "UPSTREAM", address)
		c := s.dialPackets("PORT0")
		_, err := c.Write(nil)
		require.NoError(t, err)
		assert.Empty(t, streamtest.Receive(t, got))
		assert.Equal(t, "x", streamtest.Datagram(t, c))
		s.lines("error.log", 3)
		assert.Equal(t, "[info] *1 "+strings.Replace(logged, "from upstream", "from/to upstream", 1), s.errors()[2])
	})
}
