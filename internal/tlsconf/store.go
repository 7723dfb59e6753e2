package tlsconf

import (
	"errors"
	"os"
	"strings"
	"syscall"
)

// Errors of OpenSSL's stores.
const (
	errNoScheme    = "error:16000069:STORE routines::unregistered scheme:scheme="
	errNotAbsolute = "error:1C8000DB:Provider routines::path must be absolute:Given path="
	errAuthority   = "error:1C8000DF:Provider routines::uri authority unsupported"
	errNoLoader    = "error:1608010C:STORE routines::unsupported:No store loader found. " +
		"For standard store loaders you need at least one of the default or base providers available. " +
		"Did you forget to load them? Info: Global default library context, Scheme ("
)

// readStore reads the file that a URI of OpenSSL's stores stands for. It tries a
// file of that name first, unless there are two slashes behind the scheme. Its
// errors are OpenSSL's for any other URI.
func readStore(uri string) ([]byte, error) {
	scheme, rest, ok := strings.Cut(uri, ":")
	file := ok && strings.EqualFold(scheme, "file")
	var queue []string
	if file || !strings.HasPrefix(rest, "//") {
		queue = []string{errNoScheme + "file"}
		paths, problem := storePaths(uri)
		for _, path := range paths {
			_, err := os.Stat(path)
			if err == nil {
				return readPEM(path)
			}
			errno := syscall.ENOENT
			errors.As(err, &errno)
			queue = append(queue, systemError(errno)+":calling stat("+path+")")
		}
		if problem != "" {
			queue = append(queue, problem)
		}
	}
	if ok && !file {
		queue = append(queue, errNoScheme+scheme, errNoLoader+scheme+" : 0), Properties (<null>)")
	}
	return nil, &opensslError{"OSSL_STORE_open() failed", queue}
}

// storePaths returns the files that a URI may stand for, and what is wrong with
// it if it is none of them.
func storePaths(uri string) (paths []string, problem string) {
	scheme, path, ok := strings.Cut(uri, ":")
	if !ok || !strings.EqualFold(scheme, "file") {
		return []string{uri}, ""
	}
	after, ok := strings.CutPrefix(path, "//")
	switch {
	case !ok && !strings.HasPrefix(path, "/"):
		return []string{uri}, errNotAbsolute + path
	case !ok:
		return []string{uri, path}, ""
	}
	path = strings.TrimPrefix(after, "localhost")
	if !strings.HasPrefix(path, "/") {
		return nil, errAuthority
	}
	return []string{path}, ""
}
