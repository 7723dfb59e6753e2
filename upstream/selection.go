package upstream

// Selection is what a group remembers of a session: which servers it has tried
// and how many more it may. It belongs into the session; no method of a Group
// keeps a reference to it. The zero value is ready for [Group.Start], and so is
// a used one. It must not be copied between Start and the end of the session.
type Selection struct {
	tried [1]uint64 // a bit for each peer
	more  *[]uint64 // the same for groups of more than 64
	tries int32

	changes uint32 // of the group's peers, when the session began

	// Of the hash methods.
	hash   uint32 // sum of the hashes, or place on the ring
	rehash uint32 // hashes made
	keyLen uint32
	keySum uint32 // the key's CRC-32

	// Of least_time: the beginning of the attempt, and milliseconds from there.
	start     instant
	connect   int32 // -1: not reached
	firstByte int32
	inflight  bool // the peer counts the attempt as unfinished

	backup bool  // the marks are about the backup servers
	steps  uint8 // unusable servers met by the hash and random methods
}

// Tries is how many more servers may be tried.
func (sel *Selection) Tries() int { return int(sel.tries) }

// LimitTries lets no more than n servers be tried (proxy_next_upstream_tries).
// It belongs between [Group.Start] and the first [Group.Next]. 0 is no limit.
func (sel *Selection) LimitTries(n int) {
	if n > 0 {
		sel.tries = int32(min(int(sel.tries), n))
	}
}

// reset forgets all but the room for marks.
func (sel *Selection) reset(words, tries int) {
	more := sel.more
	*sel = Selection{tries: int32(tries)}
	if words > 1 {
		if more == nil || len(*more) != words {
			room := make([]uint64, words)
			more = &room
		}
		clear(*more)
		sel.more = more
	}
}

// marks returns the bits of the tried peers.
func (sel *Selection) marks() marks {
	if sel.more != nil {
		return *sel.more
	}
	return sel.tried[:]
}

// turnToBackups starts over with the backup servers.
func (sel *Selection) turnToBackups() {
	sel.backup = true
	clear(sel.marks())
}

// marks is a set of peers by index.
type marks []uint64

func (m marks) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

func (m marks) add(i int) { m[i/64] |= 1 << (i % 64) }
