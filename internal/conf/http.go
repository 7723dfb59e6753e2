package conf

import (
	_ "embed"
	"strings"
)

//go:embed http.txt
var httpNames string

// HTTPDirectives lists the directives that an nginx has besides those of main,
// events and stream: the ones of its standard http modules. See
// [Schema.KnowElsewhere].
func HTTPDirectives() []string { return strings.Fields(httpNames) }
