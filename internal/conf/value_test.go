package conf

import (
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// vector is one recorded outcome of a real nginx.
type vector struct {
	ID       int
	Category string
	Input    struct {
		Text, Directive, Context, Snippet string
	}
	Output json.RawMessage
}

func vectors(t *testing.T, category string) (out []vector) {
	t.Helper()
	text, err := os.ReadFile("../../testdata/vectors.json")
	require.NoError(t, err)
	var file struct{ Vectors []json.RawMessage }
	require.NoError(t, json.Unmarshal(text, &file))
	for _, raw := range file.Vectors {
		var head struct{ Category string }
		require.NoError(t, json.Unmarshal(raw, &head))
		if head.Category != category {
			continue
		}
		var v vector
		require.NoError(t, json.Unmarshal(raw, &v))
		out = append(out, v)
	}
	require.NotEmpty(t, out)
	return out
}

// replay compares parse with the vectors of a category. A size below a zone's
// minimum was refused by nginx only after it had been read.
func replay(t *testing.T, category string, parse func(string) (int64, bool)) {
	for _, v := range vectors(t, category) {
		got, ok := parse(v.Input.Text)
		var want int64
		switch json.Unmarshal(v.Output, &want) {
		case nil:
			assert.True(t, ok, "vector %d: %q", v.ID, v.Input.Text)
			assert.Equal(t, want, got, "vector %d: %q", v.ID, v.Input.Text)
		default:
			var verdict string
			require.NoError(t, json.Unmarshal(v.Output, &verdict))
			valid := verdict == "ok" || verdict == `[emerg] zone "z" is too small`
			assert.Equal(t, valid, ok, "vector %d: %q", v.ID, v.Input.Text)
		}
	}
}

func TestVectors(t *testing.T) {
	replay(t, "size", ParseSize)
	replay(t, "offset", ParseOffset)
	replay(t, "time ms", func(s string) (int64, bool) { return parseTime(s, 1000) })
	replay(t, "time s", func(s string) (int64, bool) { return parseTime(s, 1) })
	replay(t, "fixed point percent", func(s string) (int64, bool) { return ParseFixed(s, 2) })
}

func TestParseTimeOrder(t *testing.T) {
	for _, tt := range []struct {
		text    string
		ms, sec int64 // -1: invalid
	}{
		{" 1", 1000, 1},
		{"s1", 1000, 1}, // a unit without number counts as 0 of it
		{"s", -1, -1},
		{" ", -1, -1},
		{"5 3ms", -1, -1},
		{"5 3s", -1, -1},
		{"5 3", 8000, 8},
		{"5  ", 5000, 5},
		{"5 3 ", -1, -1},
		{"1m  30s", 90000, 90},
		{"1ms 1", 1001, -1},
		{"1s 1ms", 1001, -1},
		{"1ms1ms", -1, -1},
		{"1x", -1, -1},
		{"1\t", -1, -1},
	} {
		for perSecond, want := range map[int64]int64{1000: tt.ms, 1: tt.sec} {
			got, ok := parseTime(tt.text, perSecond)
			assert.Equal(t, want >= 0, ok, "%q per second %d", tt.text, perSecond)
			if ok {
				assert.Equal(t, want, got, "%q per second %d", tt.text, perSecond)
			}
		}
	}
}

func TestDurationsSaturate(t *testing.T) {
	d, ok := ParseMsec("9223372036854775807ms")
	assert.True(t, ok)
	assert.Equal(t, time.Duration(math.MaxInt64), d)
	d, ok = ParseSec("292y")
	assert.True(t, ok)
	assert.Equal(t, 292*365*24*time.Hour, d)
	d, ok = ParseSec("300y")
	assert.True(t, ok)
	assert.Equal(t, time.Duration(math.MaxInt64), d)
}

func TestParseFixedLimits(t *testing.T) {
	v, ok := ParseFixed("9223372036854775807", 0)
	assert.True(t, ok)
	assert.Equal(t, int64(math.MaxInt64), v)
	for _, s := range []string{"92233720368547758.08", "922337203685477581", "1.2.3", "1..", "-1", "1,5"} {
		_, ok = ParseFixed(s, 2)
		assert.False(t, ok, s)
	}
	_, ok = ParseFixed("1.", 0)
	assert.False(t, ok)
}

// The parsers share their code; what is checked here is that they agree with
// each other and never return a negative value.
func FuzzParseValues(f *testing.F) {
	for _, s := range []string{"", "10", "16k", "1g", "1h30m", "5 ", "1s1", "33.33", "1y2M", "9223372036854775807"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		size, sizeOK := ParseSize(s)
		offset, offsetOK := ParseOffset(s)
		number, numberOK := ParseNumber(s)
		ms, msOK := ParseMsec(s)
		sec, secOK := ParseSec(s)
		fixed, fixedOK := ParseFixed(s, 2)
		assert.False(t, min(size, offset, number, fixed, int64(ms), int64(sec)) < 0)
		if sizeOK {
			assert.True(t, offsetOK)
			assert.Equal(t, size, offset)
		}
		if numberOK {
			assert.True(t, sizeOK && secOK)
			assert.Equal(t, number, size)
		}
		if fixedOK && numberOK {
			assert.Equal(t, number*100, fixed)
		}
		if msOK && secOK {
			assert.Equal(t, ms, sec)
		}
	})
}
