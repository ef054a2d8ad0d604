package io.turnstile.embedded;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.Frame;
import io.turnstile.packet.Frames;
import java.util.Arrays;
import java.util.HexFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What flows and controllers learn of a packet that is related and nothing else: an ICMP error that travels the
 * original way of the connection it is about.
 */
class EmbeddedRelatedTest {
    private final EmbeddedSwitch sw = EmbeddedSwitch.withPorts(1, 2);

    @AfterEach
    void end() {
        sw.close();
    }

    private static String socket(String host, int port) {
        return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
    }

    /** The client has closed its socket and says so of what the server sends. */
    private static Frame error(String client, String server) {
        byte[] answer = Frames.udp(socket(server, 53) + " > " + socket(client, 1000))
                .payload(8)
                .bytes();
        return Frames.portUnreachable(client + " > " + server, answer);
    }

    private void commit(String client, String server) {
        sw.receive(
                1, Frames.udp(socket(client, 1000) + " > " + socket(server, 53)).payload(8));
    }

    @ParameterizedTest
    @CsvSource({
        "ip,   10.0.0.1, 10.0.0.2, NXM_NX_CT_NW_SRC[],         ct_nw_src=10.0.0.1, 0a000001",
        "ipv6, fc00::1,  fc00::2,  NXM_NX_CT_IPV6_SRC[0..31], ct_ipv6_src=fc00::1, 00000001"
    })
    void itsTupleIsMovedMatchedAndTold(
            String family, String client, String server, String source, String match, String moved) {
        sw.deleteFlows();
        sw.flows("""
                udp,in_port=1 actions=ct(commit)
                udp6,in_port=1 actions=ct(commit)
                icmp,in_port=1 actions=ct(table=1)
                icmp6,in_port=1 actions=ct(table=1)
                table=1,FAMILY,ct_state=+trk+rel-est-rpl-inv-new,MATCH actions=controller,resubmit(,2,ct)
                table=2,TRANSPORT,ct_state=+trk+rel,udp_src=1000 actions=move:SOURCE->NXM_OF_ETH_DST[0..31],output:2
                """.replace("TRANSPORT", family.equals("ip") ? "udp" : "udp6")
                .replace("FAMILY", family)
                .replace("MATCH", match)
                .replace("SOURCE", source));
        commit(client, server);
        sw.receive(1, error(client, server));
        assertThat(sw.takeSentBytes(2))
                .singleElement()
                .satisfies(frame -> assertThat(HexFormat.of().formatHex(Arrays.copyOfRange(frame, 2, 6)))
                        .isEqualTo(moved));
        assertThat(sw.takePacketIns())
                .singleElement()
                .extracting(PacketIn::metadataText)
                .asString()
                .contains(match, "ct_tp_src=1000");
    }

    /** A match with a tuple and an invalid state is one that controllers refuse. */
    @ParameterizedTest
    @CsvSource({"10.0.0.1, 10.0.0.2, 'ip,'", "fc00::1, fc00::2, 'ipv6,'"})
    void ofAnInvalidPacketControllersAreToldTheFamilyAndNoTuple(String client, String server, String family) {
        sw.deleteFlows();
        sw.flows("""
                icmp actions=ct(table=1)
                icmp6 actions=ct(table=1)
                table=1,ct_state=+inv actions=controller
                """);
        sw.receive(1, error(client, server)); // of no connection
        assertThat(sw.takePacketIns())
                .singleElement()
                .extracting(PacketIn::metadataText)
                .asString()
                .contains("ct_state=", "inv", family)
                .doesNotContain("ct_nw", "ct_ipv6", "ct_tp");
    }
}
