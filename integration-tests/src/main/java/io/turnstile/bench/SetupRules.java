package io.turnstile.bench;

import java.util.ArrayList;
import java.util.List;

/** Flows under which connections are set up; frames come in by port 1, go on to servers by 2 and to clients by 3. */
enum SetupRules {
    HITS("stateful firewall", "ct(table=1)", "ct(commit)", 0),
    NAT("with source NAT", "ct(table=1,nat)", "ct(commit,nat(src=198.51.100.1-198.51.100.16:1024-65535))", 0),
    MISSES("every connection a cache miss", Track.LOOKED_AT, Track.COMMIT, 0),
    /** Before its rule is found, that many others have to be looked for that have masks of their own. */
    MASKS_10("a miss, 10 other masks", Track.LOOKED_AT, Track.COMMIT, 10),
    MASKS_100("a miss, 100 other masks", Track.LOOKED_AT, Track.COMMIT, 100),
    STATELESS("the same frames without ct()", "", "", 0);

    /** What several have. */
    private static final class Track {
        /** Each connection's port is looked at, so that each needs a translation. */
        static final String LOOKED_AT = "move:NXM_OF_TCP_SRC[]->NXM_NX_REG0[0..15],ct(table=1)";

        static final String COMMIT = "ct(commit)";
    }

    private static final int PORT_MASKS = 10;

    private final String text;
    private final List<String> flows;

    /** @param masks of rules that come first and match no frame */
    SetupRules(String text, String track, String commit, int masks) {
        this.text = text;
        List<String> all = new ArrayList<>();
        for (int i = 0; i < masks; i++) {
            all.add("priority=%d,tcp,nw_src=203.0.113.113/%d,tp_dst=0x8000/0x%x,actions=drop"
                    .formatted(200 + i, Integer.SIZE - i / PORT_MASKS, 0xffff & -(1 << i % PORT_MASKS)));
        }
        all.addAll(
                track.isEmpty()
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
                                "table=1,priority=0,actions=drop"));
        flows = List.copyOf(all);
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

    /** Whether each connection has datapath flows of its own. */
    boolean misses() {
        return this == MISSES || this == MASKS_10 || this == MASKS_100;
    }
}
