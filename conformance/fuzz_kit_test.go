//go:build unix

package conformance

// fuzz_kit_test.go - what TestFuzzRefusals, TestFuzzTraffic and TestFuzzHello
// share: a loop over seeds for a given time, the differences found, and their reduction.

import (
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

var (
	fuzzForFlag  = flag.Duration("fuzz-for", 20*time.Second, "`time` that each comparison with the nginx of -nginx by random takes")
	fuzzSeedFlag = flag.Uint64("fuzz-seed", 1, "first `seed` of the comparisons by random")
)

// fuzzedSince is the nginx whose messages gostream has.
const fuzzedSince = "1.29"

// fuzzReference is the nginx to compare with. Without one that is recent enough
// the test does not go on.
func fuzzReference(t *testing.T) *subject {
	t.Helper()
	reference := referenceServer(t)
	if reference == nil {
		t.Skip("needs -nginx path:BINARY, an nginx of " + fuzzedSince + " or later")
	}
	if !reference.knows(fuzzedSince) && !reference.after(fuzzedSince) {
		t.Skipf("-nginx is %s: texts differ before %s", reference.version, fuzzedSince)
	}
	return reference
}

// after reports whether the server is newer than a version of two numbers.
func (s *subject) after(version string) bool {
	var major, minor, wantMajor, wantMinor int
	_, _ = fmt.Sscanf(s.version, "%d.%d", &major, &minor)
	_, _ = fmt.Sscanf(version, "%d.%d", &wantMajor, &wantMinor)
	return major > wantMajor || major == wantMajor && minor > wantMinor
}

// difference is an input with which the servers differ.
type difference struct {
	seed      uint64
	input     string
	want, got string // what nginx did, and gostream
}

func (d *difference) String() string {
	return fmt.Sprintf("seed %d\n%s\n--- nginx ---\n%s\n--- gostream ---\n%s\n", d.seed, d.input, d.want, d.got)
}

var particular = regexp.MustCompile(`"[^"\n]*"|\d+`)

// kind is the first line that differs without what is particular to it, and
// without what is the same in both: of each kind one is reported.
func (d *difference) kind() string {
	want, got := unequal(d.want, d.got, "\n")
	var first, second []string
	if len(want) > 0 && len(got) > 0 && strings.Count(want[0], "|") == strings.Count(got[0], "|") {
		for i, field := range strings.Split(want[0], "|") {
			if other := strings.Split(got[0], "|")[i]; other != field {
				first, second = append(first, field), append(second, other)
			}
		}
	} else {
		first, second = want[:min(1, len(want))], got[:min(1, len(got))]
	}
	general := func(s []string) string { return particular.ReplaceAllString(strings.Join(s, "|"), "*") }
	return general(first) + "\n" + general(second)
}

// unequal splits texts and leaves out the pieces that both begin with.
func unequal(a, b, separator string) (first, second []string) {
	first, second = strings.Split(a, separator), strings.Split(b, separator)
	for len(first) > 0 && len(second) > 0 && first[0] == second[0] {
		first, second = first[1:], second[1:]
	}
	return first, second
}

// fuzz calls try with random numbers of one seed after the other until the time
// is over, and fails with what it found. The second result of try finds less
// that differs as well.
func fuzz(t *testing.T, try func(*rand.Rand) (*difference, func() *difference)) {
	t.Helper()
	seen, found := map[string]bool{}, map[string]bool{}
	seed := *fuzzSeedFlag
	for end := time.Now().Add(*fuzzForFlag); time.Now().Before(end); seed++ {
		d, minimal := try(rand.New(rand.NewPCG(seed, 0)))
		if d == nil || seen[d.kind()] {
			continue
		}
		seen[d.kind()] = true
		d = minimal()
		d.seed = seed
		if kind := d.kind(); !found[kind] {
			found[kind] = true
			fmt.Fprintf(os.Stderr, "differs: %v\n", d) // at once: the time may be long
		}
	}
	t.Logf("%d inputs, seeds %d to %d", seed-*fuzzSeedFlag, *fuzzSeedFlag, seed-1)
	if len(found) > 0 {
		t.Errorf("%d kinds of differences:\n%s", len(found), strings.Join(slices.Sorted(maps.Keys(found)), "\n\n"))
	}
}

// reduce leaves out what it can, first much at once, as long as the rest has
// the wanted property.
func reduce[T any](all []T, wanted func([]T) bool) []T {
	for size := max(len(all)/2, 1); ; size /= 2 {
		for i := 0; i < len(all); {
			end := min(i+size, len(all))
			if rest := slices.Concat(all[:i], all[end:]); wanted(rest) {
				all = rest
			} else {
				i = end
			}
		}
		if size <= 1 {
			return all
		}
	}
}

// pick returns one of some values.
func pick[T any](r *rand.Rand, values []T) T { return values[r.IntN(len(values))] }

// chance is true so often.
func chance(r *rand.Rand, percent int) bool { return r.IntN(100) < percent }

func TestReduce(t *testing.T) {
	has := func(want ...int) func([]int) bool {
		return func(all []int) bool {
			return !slices.ContainsFunc(want, func(n int) bool { return !slices.Contains(all, n) })
		}
	}
	all := []int{1, 2, 3, 4, 5, 6, 7, 8, 9}
	require.Equal(t, []int{2, 9}, reduce(all, has(2, 9)))
	require.Equal(t, []int{5}, reduce(all, has(5)))
	require.Empty(t, reduce(all, has()))
}
