package io.turnstile.datapath;

import static org.assertj.core.api.Assertions.assertThat;

import io.turnstile.packet.EtherTypes;
import io.turnstile.packet.IpProtocols;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A field that a datapath flow depends on is seen in its text: one that was forgotten there would be missed here. */
class EveryFieldIsShownTest {
    private static final int[] ETHER_TYPES = {
        EtherTypes.IPV4, EtherTypes.IPV6, EtherTypes.ARP, EtherTypes.MPLS, EtherTypes.NSH
    };
    /** A tag's type is shown with the tag. */
    private static final Set<Field> ALWAYS_SHOWN =
            Set.of(Field.IN_PORT, Field.RECIRC_ID, Field.VLAN_TPID, Field.VLAN_TPID1, Field.PACKET_TYPE);

    private static final int[] PROTOCOLS = {IpProtocols.TCP, IpProtocols.ICMPV6};

    @ParameterizedTest
    @EnumSource(Field.class)
    void aFieldThatIsLookedAtIsShownForSomePackets(Field field) {
        boolean always = ALWAYS_SHOWN.contains(field);
        boolean shown = Arrays.stream(ETHER_TYPES)
                .anyMatch(etherType ->
                        Arrays.stream(PROTOCOLS).anyMatch(protocol -> isShown(field, etherType, protocol)));
        assertThat(shown).as(field.label()).isEqualTo(field.isOfDatapath() && !always);
    }

    private static boolean isShown(Field field, int etherType, int protocol) {
        long[] key = FlowKey.newKey();
        Field.ETH_TYPE.set(key, etherType);
        Field.NW_PROTO.set(key, protocol);
        Field.VLAN_TCI.set(key, FieldValues.VLAN_PRESENT);
        Field.VLAN_TCI1.set(key, FieldValues.VLAN_PRESENT);
        LabelStack.fields().forEach(entry -> entry.set(key, 1 << LabelStack.LABEL_SHIFT));
        long[] without = FlowKey.newKey();
        if (field != Field.ETH_TYPE) {
            Field.ETH_TYPE.setExact(without);
        }
        long[] with = without.clone();
        field.setExact(with);
        return field == Field.NW_FRAG
                ? text(key, without).contains("frag=")
                : !text(key, with).equals(text(key, without));
    }

    private static String text(long[] key, long[] mask) {
        return new FlowMatchText(key, mask, false, Integer::toString).text();
    }
}
