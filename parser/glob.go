package parser

import (
	"os"
	"slices"
	"strings"
)

// glob gives the paths that match pattern, sorted bytewise as a whole. It
// follows the C library's glob(3), which nginx calls, where Go's
// filepath.Glob does not: [!x], hidden files, order, and patterns that are
// none. Directories that cannot be read are skipped.
func glob(pattern string) []string {
	paths := []string{""}
	literal := true // the last part of the paths; nobody has looked whether they exist
	for rest := pattern; rest != ""; {
		part, slashes := "", ""
		part, slashes, rest = cutPart(rest)
		if literal = !isPattern(part); !literal {
			paths = matchPart(paths, part)
		} else {
			part = removeBackslashes(part)
			appendAll(paths, part)
		}
		appendAll(paths, slashes)
		literal = literal || slashes != ""
	}
	if literal {
		paths = slices.DeleteFunc(paths, missing)
	}
	slices.Sort(paths)
	return paths
}

// cutPart cuts "name//rest" into its three pieces. A backslash before a slash
// means nothing.
func cutPart(s string) (part, slashes, rest string) {
	i := strings.IndexByte(s, '/')
	if i < 0 {
		return s, "", ""
	}
	rest = strings.TrimLeft(s[i:], "/")
	part, slashes = s[:i], s[i:len(s)-len(rest)]
	if escapes := len(part) - len(strings.TrimRight(part, `\`)); escapes%2 == 1 {
		part = part[:len(part)-1]
	}
	return part, slashes, rest
}

func appendAll(paths []string, text string) {
	for i := range paths {
		paths[i] += text
	}
}

func missing(path string) bool {
	_, err := os.Lstat(path)
	return err != nil
}

// matchPart continues each path by the names in it that match pattern.
func matchPart(paths []string, pattern string) []string {
	var found []string
	for _, path := range paths {
		for _, name := range namesIn(path) {
			if fnmatch(pattern, name) {
				found = append(found, path+name)
			}
		}
	}
	return found
}

// namesIn is what readdir(3) gives, in any order.
func namesIn(dir string) []string {
	if dir == "" {
		dir = "."
	}
	f, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer f.Close()
	names, err := f.Readdirnames(-1)
	if err != nil {
		return nil
	}
	return append(names, ".", "..")
}

// isPattern tells a pattern from a name; an unclosed [ is part of a name.
func isPattern(s string) bool {
	bracket := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '*', '?':
			return true
		case '[':
			bracket = true
		case ']':
			if bracket {
				return true
			}
		case '\\':
			i++
		}
	}
	return false
}

func removeBackslashes(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		out = append(out, s[i])
	}
	return string(out)
}
