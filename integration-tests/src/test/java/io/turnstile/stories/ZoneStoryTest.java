package io.turnstile.stories;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.lab.Await;
import io.turnstile.lab.Command;
import io.turnstile.lab.Turnstile;
import io.turnstile.packet.Frames;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/**
 * Timeouts, limits and flushing by zone: ovs-vsctl, ovs-appctl and ovs-ofctl do with Turnstile what they do with Open
 * vSwitch.
 */
@Tag("system")
class ZoneStoryTest {
    private static final Duration LIMIT = Duration.ofSeconds(10);

    private Differential both;

    @BeforeEach
    void start() {
        both = Differential.start("zones");
        both.bridge("br0", 2);
        both.ignore(text -> text.replaceAll("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UUID"));
        both.appctl("time/stop");
        both.vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:dummy=@m");
        both.ofctl("add-flow br0 udp,in_port=1,tp_dst=3,actions=ct(commit,zone=3),2");
        both.ofctl("add-flow br0 udp,in_port=1,tp_dst=4,actions=ct(commit,zone=4,exec(set_field:0x5->ct_mark)),2");
        both.ofctl("add-flow br0 udp,in_port=1,tp_dst=5,actions=ct(commit,zone=5,nat(src=10.9.9.9)),2");
    }

    @AfterEach
    void stop() {
        both.close();
    }

    /** A packet of a connection of its own; comes back when both switches have forwarded it. */
    private void send(int sourcePort, int destinationPort) {
        both.forward(Frames.udp("10.0.0.1:" + sourcePort + " > 10.0.0.2:" + destinationPort)
                .payload(20));
    }

    @Test
    void connectionsLiveAsLongAsTheirZonesPolicySays() {
        both.vsctl("add-zone-tp dummy zone=3 udp_first=7 udp_single=9 icmp_first=3 tcp_close_wait=5");
        both.vsctl("list-zone-tp dummy");
        both.vsctl("add-zone-tp dummy zone=3 udp_first=9");
        both.vsctl("add-zone-tp nosuch zone=3 udp_first=9");
        send(1, 3);
        send(1, 4);
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.appctl("time/warp 5000");
        send(1, 3);
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.appctl("time/warp 12000 1000");
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.vsctl("--may-exist add-zone-tp dummy zone=3 udp_first=11");
        send(2, 3);
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.vsctl("del-zone-tp dummy zone=3");
        both.vsctl("list-zone-tp dummy");
        send(3, 3);
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.assertSame();
    }

    @Test
    void connectionsOfAPolicyThatIsGoneFallToTheDefaultOne() {
        both.vsctl("add-zone-tp dummy zone=3 udp_first=300 udp_single=310");
        both.vsctl("add-zone-tp dummy zone=4 udp_first=400 udp_single=410");
        both.vsctl("add-zone-tp dummy zone=5 udp_first=600 udp_single=610");
        send(1, 3);
        send(1, 4);
        send(1, 5);
        both.vsctl("--may-exist add-zone-tp dummy zone=3 udp_first=500 udp_single=510");
        // No further policy here: Open vSwitch would give it the same id, and to the connection its timeouts. It
        // forgets what
        // is not used any more within 20 seconds.
        both.appctl("time/warp 25000 1000");
        for (int zone = 3; zone <= 5; zone++) {
            send(1, zone);
            send(2, zone);
        }
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.vsctl("remove Open_vSwitch . datapaths dummy");
        both.appctl("time/warp 25000 1000");
        for (int zone = 3; zone <= 5; zone++) {
            send(2, zone);
            send(3, zone);
        }
        both.appctlSorted("dpctl/dump-conntrack -s");
        both.assertSame();
    }

    @Test
    void aPolicyOfAnotherDatapathGoesForNothingHere() {
        both.vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:netdev=@m");
        both.vsctl("-- --id=@m create Datapath datapath_version=0 -- set Open_vSwitch . datapaths:nosuch=@m");
        both.vsctl("add-zone-tp netdev zone=3 udp_first=300");
        both.vsctl("add-zone-tp nosuch zone=3 udp_first=400");
        send(1, 3);
        both.appctl("dpctl/dump-conntrack -s");
        both.assertSame();
    }

    /** Newer versions of ovs-vsctl write limits to the database; Debian's knows nothing of them. */
    @Test
    void limitsInTheDatabaseGoBeforeThoseOfCommands() {
        Turnstile ours = (Turnstile) both.ours();
        ours.vsctl("add-zone-tp", "dummy", "zone=3", "udp_first=300").run();
        database("{'op':'update','table':'CT_Zone','where':[],'row':{'limit':2}}");
        database("{'op':'update','table':'Datapath','where':[],'row':{'ct_zone_default_limit':3}}");
        Await.until(
                "limits are there",
                LIMIT,
                () -> limits().equals(List.of("default limit=3", "zone=3,limit=2,count=0")),
                () -> limits().toString());
        Command.Result refused =
                ours.appctl("dpctl/ct-set-limits", "zone=3,limit=9").attempt();
        assertThat(refused.succeeded()).isFalse();
        assertThat(refused.errors())
                .contains("the zone limits are set via database, "
                        + "use 'ovs-vsctl set-zone-limit <...>' instead. (Operation not permitted)");
        assertThat(ours.appctl("dpctl/ct-del-limits", "zone=3").attempt().errors())
                .contains("ovs-vsctl del-zone-limit");
        for (int port = 1; port <= 4; port++) {
            send(port, 3);
            send(port, 4);
        }
        assertThat(limits()).containsExactly("default limit=3", "zone=3,limit=2,count=2");
        assertThat(ours.appctl("dpctl/ct-get-nconns").run().text()).isEqualTo("5");
        assertThat(ours.appctl("coverage/show").run().lines())
                .anyMatch(line -> line.startsWith("conntrack_zone_full ") && line.endsWith("total: 3"));
        Await.until(
                "the log tells of it",
                LIMIT,
                () -> ours.daemon().output().contains("A zone has reached its limit"),
                ours.daemon()::output);
        database("{'op':'update','table':'CT_Zone','where':[],'row':{'limit':['set',[]]}}");
        database("{'op':'update','table':'Datapath','where':[],'row':{'ct_zone_default_limit':['set',[]]}}");
        Await.until(
                "limits are gone", LIMIT, () -> limits().equals(List.of("default limit=0")), () -> limits().toString());
        ours.appctl("dpctl/ct-set-limits", "zone=3,limit=9").run();
        send(5, 3);
        assertThat(limits()).containsExactly("default limit=0", "zone=3,limit=9,count=3");
    }

    private List<String> limits() {
        return both.ours().appctl("dpctl/ct-get-limits").run().lines();
    }

    /** @param operation with single quotes instead of double ones */
    private void database(String operation) {
        Command.of(
                        "ovsdb-client",
                        "transact",
                        "unix:" + ((Turnstile) both.ours()).runDirectory().resolve("db.sock"),
                        "[\"Open_vSwitch\"," + operation.replace('\'', '"') + "]")
                .run();
    }

    @Test
    void aFullZoneAndAFullTableTakeNoMore() {
        both.appctl("dpctl/ct-set-limits zone=3,limit=2");
        for (int port = 1; port <= 4; port++) {
            send(port, 3);
            send(port, 4);
        }
        both.appctl("dpctl/ct-get-limits zone=3");
        both.appctlSorted("dpctl/dump-conntrack");
        both.appctl("dpctl/ct-set-maxconns 7");
        send(5, 4);
        send(6, 4);
        both.appctl("dpctl/ct-get-nconns");
        both.appctlSorted("dpctl/dump-conntrack");
        both.appctl("dpctl/ct-del-limits zone=3");
        both.appctl("dpctl/ct-set-maxconns 100");
        send(5, 3);
        both.appctlSorted("dpctl/dump-conntrack");
        both.assertSame();
    }

    @Test
    void flushingTakesWhatIsNamed() {
        for (int port = 1; port <= 3; port++) {
            send(port, 3);
            send(port, 4);
            send(port, 5);
        }
        both.appctl(
                "dpctl/flush-conntrack zone=3 ct_nw_src=10.0.0.1,ct_nw_dst=10.0.0.2,ct_nw_proto=17,ct_tp_src=1,ct_tp_dst=3");
        both.appctlSorted("dpctl/dump-conntrack");
        both.appctl("dpctl/flush-conntrack zone=5 '' ct_nw_dst=10.9.9.9,ct_nw_proto=17,ct_tp_dst=2");
        both.appctlSorted("dpctl/dump-conntrack");
        both.ofctl("ct-flush br0 zone=4 ct_nw_proto=17,ct_tp_src=3");
        both.appctlSorted("dpctl/dump-conntrack");
        both.ofctl("ct-flush br0 ct_nw_src=10.0.0.1,ct_nw_proto=17,ct_tp_dst=5");
        both.appctlSorted("dpctl/dump-conntrack");
        both.ofctl("ct-flush-zone br0 4");
        both.appctlSorted("dpctl/dump-conntrack");
        both.ofctl("-O OpenFlow13 ct-flush-zone br0 3");
        both.appctlSorted("dpctl/dump-conntrack");
        both.assertSame();
    }
}
