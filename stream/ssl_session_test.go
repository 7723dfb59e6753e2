package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// How long sessions last says the default server, even to clients of others.
func TestSessionTimeoutIsThatOfTheDefault(t *testing.T) {
	def, own := &serverTLS{conf: &SSLConfig{SessionTimeout: time.Hour}}, &serverTLS{conf: &SSLConfig{SessionTimeout: time.Second}}
	now := time.Now()
	n := &sessionNote{began: now.Add(-time.Minute).Unix()}
	assert.True(t, newResumption(def, own, nil).good(n, now))
	assert.False(t, newResumption(own, def, nil).good(n, now))
	own.context[0] = 1
	assert.False(t, newResumption(def, own, nil).good(n, now), "which is another server")
}
