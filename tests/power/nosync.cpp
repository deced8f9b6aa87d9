// Linked into forager_nosync: the journal's fdatasync succeeds at once and nothing goes to the
// disk. The power-cut test must find that such a Forager loses what it has answered 200.

// Found before libc's own, since it is in the executable.
extern "C" int fdatasync(int) { return 0; }
