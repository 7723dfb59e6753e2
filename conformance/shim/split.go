//go:build unix

package main

import (
	"regexp"
	"strings"
)

var pidLine = regexp.MustCompile(`(?m)^\s*pid\s+[^;]*;`)

// withPID replaces the pid directive of a configuration.
func withPID(text, path string) string {
	return "pid " + path + ";\n" + pidLine.ReplaceAllString(text, "")
}

// withoutBlock removes the blocks of a name from the main context.
func withoutBlock(text, name string) string {
	var kept strings.Builder
	depth, from, drop := 0, 0, false // from is where the directive began
	for i := 0; i < len(text); {
		end := tokenEnd(text, i)
		switch text[i] {
		case '{':
			if depth == 0 {
				drop = firstWord(text[from:i]) == name
			}
			depth++
		case '}':
			depth--
		}
		i = end
		if depth == 0 && (text[i-1] == ';' || text[i-1] == '}') {
			if !drop {
				kept.WriteString(text[from:i])
			}
			from, drop = i, false
		}
	}
	if !drop {
		kept.WriteString(text[from:])
	}
	return kept.String()
}

// tokenEnd is where the token ends that begins at i: a comment, a quoted
// string, or one byte.
func tokenEnd(text string, i int) int {
	switch quote := text[i]; quote {
	case '#':
		if n := strings.IndexByte(text[i:], '\n'); n >= 0 {
			return i + n // the newline belongs to what follows
		}
		return len(text)
	case '"', '\'':
		for j := i + 1; j < len(text); j++ {
			if text[j] == '\\' {
				j++
			} else if text[j] == quote {
				return j + 1
			}
		}
		return len(text)
	case '\\':
		return min(i+2, len(text))
	}
	return i + 1
}

// firstWord is the name of a directive, after comments.
func firstWord(text string) string {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if words := strings.Fields(line); len(words) > 0 {
			return words[0]
		}
	}
	return ""
}
