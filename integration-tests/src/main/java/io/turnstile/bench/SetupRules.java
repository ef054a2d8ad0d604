package io.turnstile.bench;

import java.util.List;

/** Flows under which connections are set up; frames come in by port 1, go on to servers by 2 and to clients by 3. */
enum SetupRules {
    HITS("stateful firewall", "ct(table=1)", "ct(commit)"),
    NAT("with source NAT", "ct(table=1,nat)", "ct(commit,nat(src=198.51.100.1-198.51.100.16:1024-65535))"),
    MISSES("every connection a cache miss", "move:NXM_OF_TCP_SRC[]->NXM_NX_REG0[0..15],ct(table=1)", "ct(commit)"),
    STATELESS("the same frames without ct()", "", "");

    private final String text;
    private final List<String> flows;

    SetupRules(String text, String track, String commit) {
        this.text = text;
        flows = track.isEmpty()
                ? List.of(
                        "priority=100,tcp,nw_src=192.0.2.1,actions=3",
                        "priority=50,tcp,actions=2",
                        "priority=0,actions=drop")
                : List.of(
                        "priority=100,tcp,ct_state=-trk,actions=" + track,
                        "priority=0,actions=drop",
                        "table=1,priority=100,tcp,ct_state=+trk+new,actions=" + commit + ",2",
                        "table=1,priority=100,tcp,ct_state=+trk+est-rpl,actions=2",
                        "table=1,priority=100,tcp,ct_state=+trk+est+rpl,actions=3",
                        "table=1,priority=0,actions=drop");
    }

    /** For people. */
    String text() {
        return text;
    }

    /** As {@code ovs-ofctl add-flows} takes them. */
    List<String> flows() {
        return flows;
    }

    boolean tracks() {
        return this != STATELESS;
    }
}
