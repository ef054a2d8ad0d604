package io.turnstile.stories.tracker;

/** A part of the tracker that random traffic may use. */
enum Feature {
    /** States, zones, marks, labels, force and ct_clear with TCP, UDP, ICMP and ICMP errors. */
    TRACKING,
    /** What an operator may change and ask: sequence check, counts, flushing by tuple. */
    OPERATION,
    /** Address and port translation where both switches can choose only the same. */
    NAT,
    /** IPv4 and IPv6 fragments, whole sets and broken ones. */
    FRAGMENTS,
    /** Control connections of FTP and TFTP requests, whose data connections are expected. */
    HELPERS
}
