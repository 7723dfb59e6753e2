package hostmatch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// HashSize is what *_hash_max_size and *_hash_bucket_size allow a hash table of
// nginx. The tables here grow as they need to. But a configuration whose names
// do not fit is refused by nginx, or warned of, so [HashSize.Check] does the
// same.
type HashSize struct {
	Name       string // "map_hash", for messages
	MaxSize    int64  // buckets
	BucketSize int64  // bytes; a multiple of a cache line is used
}

const (
	cacheLine = 64
	pointer   = 8

	// largestBucket is where nginx's 16-bit numbers end.
	largestBucket = 65536 - cacheLine
)

// Aligned returns a bucket size rounded up to cache lines, as nginx uses and
// shows it.
func Aligned(bucketSize int64) int64 { return (bucketSize + cacheLine - 1) / cacheLine * cacheLine }

// Check reports whether the names fit, each in lower case. warning is not empty if
// they do so only with larger buckets.
func (h HashSize) Check(names []string) (warning string, err error) {
	switch {
	case h.MaxSize == 0:
		return "", h.tooSmall("max_size", h.MaxSize)
	case h.BucketSize > largestBucket:
		return "", fmt.Errorf("could not build %s, too large %[1]s_bucket_size: %[2]d", h.Name, h.BucketSize)
	}
	entries := make([]hashEntry, len(names))
	for i, name := range names {
		entries[i] = hashEntry{hashOf(name), entrySize(name)}
		if h.BucketSize < entries[i].size+pointer {
			return "", h.tooSmall("bucket_size", h.BucketSize)
		}
	}
	if h.fits(entries) {
		return "", nil
	}
	if largest(entries, uint64(h.MaxSize)) > largestBucket-pointer {
		err = h.tooSmall("max_size", h.MaxSize)
	}
	return fmt.Sprintf("could not build optimal %s, you should increase either %[1]s_max_size: %[2]d or %[1]s_bucket_size: %[3]d; "+
		"ignoring %[1]s_bucket_size", h.Name, h.MaxSize, h.BucketSize), err
}

func (h HashSize) tooSmall(what string, size int64) error {
	return fmt.Errorf("could not build %s, you should increase %[1]s_%[2]s: %[3]d", h.Name, what, size)
}

// hashEntry is a name in a bucket.
type hashEntry struct {
	hash uint64
	size int64 // bytes
}

// entrySize is a pointer, the length and the name, in whole pointers.
func entrySize(name string) int64 {
	return pointer + (int64(len(name))+2+pointer-1)/pointer*pointer
}

func hashOf(name string) (h uint64) {
	for i := range len(name) {
		h = h*31 + uint64(name[i])
	}
	return h
}

// fits reports whether there is a number of buckets with which none is overfull.
// nginx begins where there would be room if the names were short.
func (h HashSize) fits(entries []hashEntry) bool {
	room, n := h.BucketSize-pointer, int64(len(entries))
	start := max(n/(room/(2*pointer)), 1)
	if h.MaxSize > 10000 && n > 0 && h.MaxSize/n < 100 {
		start = h.MaxSize - 1000
	}
	var used, round []int64
next:
	for size := start; size <= h.MaxSize; size++ {
		if size > int64(len(used)) {
			used, round = make([]int64, 2*size), make([]int64, 2*size)
		}
		for _, e := range entries {
			b := e.hash % uint64(size)
			if round[b] != size {
				used[b], round[b] = 0, size
			}
			if used[b] += e.size; used[b] > room {
				continue next
			}
		}
		return true
	}
	return false
}

// largest returns the size of the fullest of this many buckets.
func largest(entries []hashEntry, size uint64) (most int64) {
	used := map[uint64]int64{}
	for _, e := range entries {
		used[e.hash%size] += e.size
		most = max(most, used[e.hash%size])
	}
	return most
}

// CheckSize reports whether the names of the table fit into nginx's hash tables of
// this size: one for exact names, and for each kind of masks a tree of tables by
// label. The warnings may come with an error.
func (t *Table[V]) CheckSize(h HashSize) (warnings []string, err error) {
	var exact []string
	for name := range t.exact {
		if _, domain := t.domains[name]; !domain {
			exact = append(exact, name)
		}
	}
	head, tail := &labels{}, &labels{}
	for name := range t.head {
		path := strings.Split(name, ".")
		slices.Reverse(path)
		head.add(path)
	}
	for name := range t.tail {
		tail.add(strings.Split(name, "."))
	}
	check := func(names []string) error {
		if len(names) == 0 || err != nil {
			return err
		}
		var warning string
		if warning, err = h.Check(names); warning != "" {
			warnings = append(warnings, warning)
		}
		return err
	}
	if err = check(exact); err == nil {
		if err = head.check(check); err == nil {
			err = tail.check(check)
		}
	}
	return warnings, err
}

// labels is a tree of the labels of masks.
type labels struct{ next map[string]*labels }

func (l *labels) add(path []string) {
	for _, label := range path {
		if l.next == nil {
			l.next = map[string]*labels{}
		}
		if l.next[label] == nil {
			l.next[label] = &labels{}
		}
		l = l.next[label]
	}
}

// check checks the tables from the leaves up, as nginx builds them.
func (l *labels) check(check func([]string) error) error {
	names := slices.Sorted(maps.Keys(l.next))
	for _, name := range names {
		if err := l.next[name].check(check); err != nil {
			return err
		}
	}
	return check(names)
}

// CheckSize is [Table.CheckSize] for a map block.
func (m *Map[V, R]) CheckSize(h HashSize) (warnings []string, err error) { return m.table.CheckSize(h) }
