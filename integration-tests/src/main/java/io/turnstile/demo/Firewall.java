package io.turnstile.demo;

import java.util.List;

/**
 * The flows of the demo: port 1 is inside and may open connections, port 2 is outside and may only answer. FTP's
 * control connections are read by a helper.
 */
final class Firewall {
    static final int INSIDE = 1;
    static final int OUTSIDE = 2;

    static final List<String> FLOWS = List.of(
            "table=0,priority=100,arp,actions=NORMAL",
            "table=0,priority=100,ip,ct_state=-trk,actions=ct(table=1)",
            "table=0,priority=0,actions=drop",
            "table=1,priority=110,tcp,in_port=1,tp_dst=21,ct_state=+trk+new,actions=ct(commit,alg=ftp),output:2",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+new,actions=ct(commit),output:2",
            "table=1,priority=100,ip,in_port=1,ct_state=+trk+est,actions=output:2",
            "table=1,priority=100,ip,in_port=2,ct_state=+trk+est+rpl,actions=output:1",
            "table=1,priority=0,actions=drop");

    private Firewall() {}
}
