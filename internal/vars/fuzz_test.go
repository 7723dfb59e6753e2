package vars

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// A text that passes Check fails to compile only for unknown variables, and
// one without "$" is its own value.
func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"", "a$b", "${a}", "$1$10", "$", "${", "${x", "a$tlv_x}", "$-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		checked := Check(text)
		tmpl, err := Compile(text, registry())
		if checked != nil && err == nil {
			t.Fatalf("%q compiles, but: %v", text, checked)
		}
		if checked == nil && err != nil && !strings.HasPrefix(err.Error(), "unknown ") {
			t.Fatalf("%q: %v", text, err)
		}
		if err != nil {
			return
		}
		got := tmpl.Append(nil, &session{})
		if !strings.Contains(text, "$") && string(got) != text {
			t.Fatalf("%q became %q", text, got)
		}
		if value, static := tmpl.Static(); static && value != string(got) {
			t.Fatalf("%q is static %q, but appends %q", text, value, got)
		}
	})
}

func FuzzFormat(f *testing.F) {
	for _, s := range []string{"", "a$b", "${a}", "$1", "$", "${", "${x"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		args := []string{one, two}
		checked := CheckFormat(args)
		_, err := CompileFormat(EscapeDefault, args, registry())
		if checked != nil && (err == nil || err.Error() != checked.Error()) && !strings.HasPrefix(err.Error(), "unknown ") {
			t.Fatalf("%q: %v, but compiling gives %v", args, checked, err)
		}
		if checked == nil && err != nil && !strings.HasPrefix(err.Error(), "unknown ") {
			t.Fatalf("%q: %v", args, err)
		}
	})
}

// Escaped values never hold a byte that could break a line, and JSON gives back
// what went in.
func FuzzAppendEscaped(f *testing.F) {
	f.Add([]byte("a\"b\\c\x00\x1f\x7f\xff\n"))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, value []byte) {
		prefix := []byte(`"`)
		got := AppendEscaped(prefix, value, EscapeDefault)
		for _, c := range got[1:] {
			if c < 0x20 || c >= 0x7f || c == '"' {
				t.Fatalf("%q became %q", value, got)
			}
		}
		var back string
		got = append(AppendEscaped(prefix, value, EscapeJSON), '"')
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q became %q: %v", value, got, err)
		}
		if utf8.Valid(value) && back != string(value) {
			t.Fatalf("%q came back as %q", value, back)
		}
		if got := AppendEscaped(nil, value, EscapeNone); !bytes.Equal(got, value) {
			t.Fatalf("%q became %q", value, got)
		}
	})
}
