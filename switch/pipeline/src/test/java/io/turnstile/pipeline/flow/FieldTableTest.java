package io.turnstile.pipeline.flow;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.datapath.Field;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The rows together: nothing that can be matched on is left out of a flow's text or of its bytes. */
class FieldTableTest {
    private static final Set<Field> UNNAMED =
            EnumSet.of(Field.RECIRC_ID, Field.VLAN_TPID, Field.VLAN_TPID1, Field.VLAN_TCI1);

    static List<MatchField> rows() {
        return MatchField.ALL;
    }

    /** What else a flow has to say. */
    private static String context(Prerequisite needed) {
        return switch (needed) {
            case NONE -> "";
            case VLAN -> "vlan_vid=0x1005,";
            case IPV4, IP -> "ip,";
            case IPV6 -> "ipv6,";
            case MPLS -> "mpls,";
            case NSH -> "dl_type=0x894f,";
            case ARP -> "arp,";
            case TCP -> "tcp,";
            case UDP -> "udp6,";
            case SCTP -> "sctp,";
            case ICMPV4 -> "icmp,";
            case ICMPV6 -> "icmp6,";
            case ND, ND_SOLICIT -> "icmp6,icmp_type=135,";
            case ND_ADVERT -> "icmp6,icmp_type=136,";
            case CT -> "ct_state=+trk+est,ct_nw_proto=6,";
        };
    }

    private static String value(MatchField field) {
        return switch (field.style()) {
            case DECIMAL, PADDED, UNMASKED, HEX, HEX_NUMBER, ETHER_TYPE, FLOW_LABEL, VLAN_TCI, PORT ->
                (field.valueBits() & 4) != 0 ? "4" : "1";
            case PACKET_TYPE -> "(1,0x800)";
            case MAC -> "00:00:00:00:00:04";
            case ADDRESS4 -> "0.0.0.4";
            case ADDRESS6 -> "::4";
            case FRAGMENT -> "later";
            case TCP_FLAGS -> "+syn";
            case CT_STATE -> "+trk";
        };
    }

    @ParameterizedTest
    @MethodSource("rows")
    void whatAFlowShowsIsReadBackAsTheSame(MatchField field) throws FlowTextException {
        for (String name : Stream.concat(field.names().stream(), Stream.of(field.codeName()))
                .toList()) {
            Match match = FlowText.parseMatch(context(field.prerequisite()) + name + "=" + value(field));
            assertThat(match.matchesOn(field.field())).as(name).isTrue();
            assertThat(FlowText.parseMatch(FlowText.format(match))).as(name).isEqualTo(match);
        }
    }

    @ParameterizedTest
    @EnumSource(Field.class)
    void everyFieldOfTheKeyIsCalledSomehow(Field field) {
        assertThat(MatchField.of(field).isEmpty())
                .as("OpenFlow never sees the recirculation id, nor which tags these are, nor a second one")
                .isEqualTo(UNNAMED.contains(field));
    }

    @ParameterizedTest
    @EnumSource(Field.class)
    void allBitsAreShownAndSent(Field field) {
        long all = bits(field, row -> true);
        if (field.isView()) {
            return;
        }
        assertThat(bits(field, row -> row.shown().rank() != MatchField.Shown.NEVER))
                .as("shown")
                .isEqualTo(all);
        if (MatchField.of(field).stream().anyMatch(MatchField::isCoded)) {
            assertThat(bits(field, row -> row.isSent(false))).as("NXM").isEqualTo(all);
            assertThat(bits(field, row -> row.isSent(true))).as("OXM").isEqualTo(all);
        }
    }

    private static long bits(Field field, Predicate<MatchField> which) {
        return MatchField.of(field).stream()
                .filter(which)
                .mapToLong(MatchField::matchMask)
                .reduce(0, (a, b) -> a | b);
    }

    @Test
    void namesAreTheFieldsOwn() {
        for (MatchField field : MatchField.ALL) {
            assertThat(MatchField.named(field.name())).isSameAs(field);
            assertThat(MatchField.named(field.codeName())).isSameAs(field);
        }
    }
}
