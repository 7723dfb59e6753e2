package stream

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The variables that tell of the session, the host and the time.
func TestVariables(t *testing.T) {
	eachTransport(t, func(t *testing.T, change func(*Config)) {
		began := time.Now().Truncate(time.Second)
		s := startWith(t, change, `
			log_format l "$binary_remote_addr|$protocol|$status|$bytes_sent|$bytes_received|$session_time|$msec|$time_iso8601|$time_local|$pid|$hostname|$nginx_version|$connection|$server_port";
			access_log DIR/access.log l;
			server { listen 127.0.0.1:PORT0; return "$status"; } server { listen [::1]:PORT1; return x; }`)
		require.Equal(t, "000", s.ask("PORT0", ""), "there is no status before the end")
		ended := time.Now()
		fields := strings.Split(s.line("access.log"), "|")
		require.Len(t, fields, 14)
		assert.Equal(t, []string{`\x7F\x00\x00\x01`, "TCP", "200", "3", "0"}, fields[:5])
		assert.Regexp(t, `^\d+\.\d{3}$`, fields[5])

		seconds, err := strconv.ParseFloat(fields[6], 64)
		require.NoError(t, err)
		within := func(at time.Time, err error) {
			t.Helper()
			require.NoError(t, err)
			assert.False(t, at.Before(began) || at.After(ended), "%s, not between %s and %s", at, began, ended)
		}
		within(time.UnixMilli(int64(seconds*1000)), nil)
		within(time.Parse(time.RFC3339, fields[7]))
		within(time.Parse("02/Jan/2006:15:04:05 -0700", fields[8]))
		assert.NotContains(t, fields[7], "Z", "nginx writes +00:00")

		name, _ := os.Hostname()
		assert.Equal(t, []string{strconv.Itoa(os.Getpid()), strings.ToLower(name), "1.31.5", "1", s.ports["PORT0"]}, fields[9:])

		s.ask("[::1]:PORT1", "")
		assert.True(t, strings.HasPrefix(s.lines("access.log", 2)[1], strings.Repeat(`\x00`, 15)+`\x01|`))
	})
}

// Names are compared without regard to case; what there is not is refused where
// it stands or, as in the original, when all is read.
func TestVariableNames(t *testing.T) {
	for value, want := range map[string]string{
		"$Remote_ADDR":              "",
		"${status}x":                "",
		"$9":                        "",
		"$nosuch":                   `[emerg] unknown "nosuch" variable`,
		"$proxy_protocol_tlv_":      "",
		"$proxy_protocol_tlv_other": "",
		"$":                         `[emerg] invalid variable name in CONF:1`,
		"${a":                       `[emerg] the closing bracket in "a" variable is missing in CONF:1`,
	} {
		said := whatIsSaid(t, `stream { server { listen 1; return "`+value+`"; } }`)
		if want == "" {
			assert.Empty(t, said, value)
			continue
		}
		assert.Equal(t, []string{want}, said, value)
	}
}
