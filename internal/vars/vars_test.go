package vars

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// session is the S of these tests: variables by name, and captures.
type session struct {
	values   map[string]string
	captures []string
}

func lookup(name string) Getter[*session] {
	return func(s *session, dst []byte) ([]byte, bool) {
		v, ok := s.values[name]
		return append(dst, v...), ok
	}
}

// registry knows $a, $b_1 and $v, the prefix $tlv_, and captures.
func registry() *Registry[*session] {
	r := &Registry[*session]{}
	for _, name := range []string{"a", "b_1", "v", "ssl_protocol", "upstream_addr", "protocol", "status"} {
		if err := r.Add(Variable[*session]{Name: name, Get: lookup(name)}); err != nil {
			panic(err)
		}
	}
	r.AddPrefix("tlv_", func(rest string) Getter[*session] {
		if rest == "bad" {
			return nil
		}
		return lookup("tlv " + rest)
	})
	r.SetCaptures(func(n int) Getter[*session] {
		return func(s *session, dst []byte) ([]byte, bool) {
			if n >= len(s.captures) {
				return dst, false
			}
			return append(dst, s.captures[n]...), true
		}
	})
	return r
}

// The errors are those of nginx 1.31.5 for `return "TEXT";`.
func TestTemplateErrors(t *testing.T) {
	tests := []struct{ text, check, compile string }{
		{"", "", ""},
		{"plain", "", ""},
		{"$a", "", ""},
		{"${a}", "", ""},
		{"$A${B_1}$tlv_0x01", "", ""},
		{"$10", "", ""},
		{"$1a", "", ""},
		{"${1}", "", `unknown "1" variable`},
		{"$0", "", `unknown "0" variable`},
		{"$NoSuch", "", `unknown "nosuch" variable`},
		{"$tlv_bad", "", `unknown "tlv_bad" variable`},
		{"$", "invalid variable name", ""},
		{"a$", "invalid variable name", ""},
		{"$a$", "invalid variable name", ""},
		{"$}", "invalid variable name", ""},
		{"$-", "invalid variable name", ""},
		{"${", "invalid variable name", ""},
		{"${}", "invalid variable name", ""},
		{"${-", `the closing bracket in "" variable is missing`, ""},
		{"${a", `the closing bracket in "a" variable is missing`, ""},
		{"${a-}", `the closing bracket in "a" variable is missing`, ""},
		{"x${a b}", `the closing bracket in "a" variable is missing`, ""},
	}
	for _, tt := range tests {
		err := Check(tt.text)
		if tt.check != "" {
			assert.EqualError(t, err, tt.check, tt.text)
			tt.compile = tt.check
		} else {
			assert.NoError(t, err, tt.text)
		}
		_, err = Compile(tt.text, registry())
		if tt.compile != "" {
			assert.EqualError(t, err, tt.compile, tt.text)
		} else {
			assert.NoError(t, err, tt.text)
		}
	}
}

func TestTemplateAppend(t *testing.T) {
	s := &session{
		values:   map[string]string{"a": "A", "b_1": "", "tlv 0x01": "T"},
		captures: []string{"", "one", "two"},
	}
	tests := []struct{ text, want string }{
		{"", ""},
		{"plain", "plain"},
		{"$a", "A"},
		{"<${A}b$a-$b_1>", "<AbA->"},
		{"$v", ""},
		{"$TLV_0x01", "T"},
		{"$1$2$3", "onetwo"},
		{"$10$1a", "one0onea"},
		{"a}{b", "a}{b"},
	}
	for _, tt := range tests {
		tmpl, err := Compile(tt.text, registry())
		require.NoError(t, err, tt.text)
		assert.Equal(t, "> "+tt.want, string(tmpl.Append([]byte("> "), s)), tt.text)
	}
}

func TestTemplateWithoutCaptures(t *testing.T) {
	tmpl, err := Compile("a$1b", &Registry[*session]{})
	require.NoError(t, err)
	require.Equal(t, "ab", string(tmpl.Append(nil, nil)))
}

func TestTemplateStatic(t *testing.T) {
	r := registry()
	for text, want := range map[string]bool{"": true, "x": true, "$a": false, "x$a": false, "$1": false} {
		tmpl, err := Compile(text, r)
		require.NoError(t, err)
		got, static := tmpl.Static()
		assert.Equal(t, want, static, text)
		if want {
			assert.Equal(t, text, got)
		}
	}
	var none *Template[*session]
	got, static := none.Static()
	assert.True(t, static)
	assert.Empty(t, got)
	assert.Equal(t, "x", string(none.Append([]byte("x"), nil)))

	got, static = Literal[*session]("$a").Static()
	assert.True(t, static)
	assert.Equal(t, "$a", got)
	assert.Equal(t, "$a", string(Literal[*session]("$a").Append(nil, nil)))
	assert.Empty(t, Literal[*session]("").Append(nil, nil))
}

func TestRegistryAdd(t *testing.T) {
	r := registry()
	assert.EqualError(t, r.Add(Variable[*session]{Name: "A"}), `the duplicate "A" variable`)
	assert.EqualError(t, r.Add(Variable[*session]{}), `invalid variable name "$"`)

	// The last definition of a changeable variable wins.
	require.NoError(t, r.Add(Variable[*session]{Name: "New", Get: lookup("one"), Changeable: true}))
	v := r.Lookup("NEW")
	require.NotNil(t, v)
	require.Equal(t, "new", v.Name)
	require.NoError(t, r.Add(Variable[*session]{Name: "new", Get: lookup("two")}))
	require.Same(t, v, r.Lookup("new"))
	require.True(t, v.Changeable)
	got, ok := v.Get(&session{values: map[string]string{"two": "2"}}, nil)
	require.True(t, ok)
	require.Equal(t, "2", string(got))

	require.NoError(t, r.Add(Variable[*session]{Name: "never"}))
	_, ok = r.Lookup("never").Get(nil, nil)
	require.False(t, ok)
	require.Nil(t, r.Lookup("nosuch"))
}

func TestRegistryDeclare(t *testing.T) {
	r := registry()
	_, err := r.Declare(Variable[*session]{Name: "a"})
	assert.EqualError(t, err, `the duplicate "a" variable`)
	_, err = r.Declare(Variable[*session]{Name: ""})
	assert.EqualError(t, err, `invalid variable name "$"`)

	s := &session{values: map[string]string{"map": "m", "set": "s", "tlv 1": "t"}}
	value := func(name string) string {
		b, _ := r.Lookup(name).Get(s, nil)
		return string(b)
	}
	set := func(name string) {
		v, err := r.Declare(Variable[*session]{Name: name, Get: lookup("set"), Changeable: true})
		require.NoError(t, err)
		require.Same(t, v, r.Lookup(name))
	}
	set("x")
	assert.Equal(t, "s", value("x"))
	require.NoError(t, r.Add(Variable[*session]{Name: "x", Get: lookup("map")}))
	set("X")
	assert.Equal(t, "m", value("x"), "set must not replace a map")
	set("tlv_1")
	assert.Equal(t, "t", value("tlv_1"), "set must not replace a prefix")
}

func TestRegistryPrefixes(t *testing.T) {
	r := registry()
	calls := 0
	r.AddPrefix("TLV_SSL_", func(rest string) Getter[*session] { calls++; return lookup("ssl " + rest) })
	s := &session{values: map[string]string{"ssl cn": "long", "tlv ssl": "short", "own": "own"}}
	value := func(name string) string {
		b, _ := r.Lookup(name).Get(s, nil)
		return string(b)
	}
	assert.Equal(t, "long", value("tlv_ssl_CN"), "the longest prefix wins")
	assert.Equal(t, "long", value("TLV_ssl_cn"))
	assert.Equal(t, 1, calls, "made once")
	assert.Equal(t, "short", value("tlv_ssl"))
	require.NoError(t, r.Add(Variable[*session]{Name: "tlv_ssl_own", Get: lookup("own")}))
	assert.Equal(t, "own", value("tlv_ssl_own"), "a full name wins over prefixes")
}

func TestRegistryNames(t *testing.T) {
	r := &Registry[*session]{}
	require.NoError(t, r.Add(Variable[*session]{Name: "Zone"}))
	require.NoError(t, r.Add(Variable[*session]{Name: "addr"}))
	r.AddPrefix("tlv_", nil)
	require.Equal(t, []string{"addr", "tlv_", "zone"}, r.Names())
}

func TestParseName(t *testing.T) {
	for arg, want := range map[string]string{"$a": "a", "$": "", "$a-b": "a-b"} {
		name, err := ParseName(arg)
		assert.NoError(t, err)
		assert.Equal(t, want, name)
	}
	_, err := ParseName("b")
	assert.EqualError(t, err, `invalid variable name "b"`)
	_, err = ParseName("")
	assert.EqualError(t, err, `invalid variable name ""`)
}

func TestAppendDoesNotAllocate(t *testing.T) {
	s := &session{values: map[string]string{"a": "value", "b_1": "tab\t"}}
	tmpl, err := Compile("a $a $b_1 ${v}", registry())
	require.NoError(t, err)
	format, err := CompileFormat(EscapeDefault, []string{"$a $b_1", "$v"}, registry())
	require.NoError(t, err)
	buf := make([]byte, 0, 256)
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf = tmpl.Append(buf[:0], s) }))
	assert.Zero(t, testing.AllocsPerRun(100, func() { buf = format.Append(buf[:0], s) }))
}

func BenchmarkTemplateAppend(b *testing.B) {
	r := &Registry[*session]{}
	value := func(_ *session, dst []byte) ([]byte, bool) { return append(dst, "127.0.0.1"...), true }
	_ = r.Add(Variable[*session]{Name: "a", Get: value})
	for _, text := range []string{"literal", "$a", "$a:$a"} {
		tmpl, err := Compile(text, r)
		require.NoError(b, err)
		b.Run(text, func(b *testing.B) {
			buf := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				buf = tmpl.Append(buf[:0], nil)
			}
		})
	}
}
