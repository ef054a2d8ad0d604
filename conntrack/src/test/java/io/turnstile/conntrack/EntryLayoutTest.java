package io.turnstile.conntrack;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What is packed into a connection's records fits there, and nothing lies upon anything else. */
class EntryLayoutTest {
    private record Part(String name, int offset, int bytes) {}

    private static final List<Part> ENTRY = List.of(
            new Part("WORD", EntryLayout.WORD, Long.BYTES),
            new Part("ADDRESSES", EntryLayout.ADDRESSES, Long.BYTES),
            new Part("PORTS", EntryLayout.PORTS, Integer.BYTES),
            new Part("KIND", EntryLayout.KIND, Integer.BYTES),
            new Part("DEADLINE", EntryLayout.DEADLINE, Long.BYTES),
            new Part("MARK", EntryLayout.MARK, Integer.BYTES),
            new Part("EXTENSION", EntryLayout.EXTENSION, Integer.BYTES),
            new Part("STATE", EntryLayout.STATE, 2 * Byte.BYTES),
            new Part("FLAGS", EntryLayout.FLAGS, Short.BYTES),
            new Part("PEER", EntryLayout.PEER, 2 * EntryLayout.PEER_BYTES),
            new Part("LARGEST_WINDOW", EntryLayout.LARGEST_WINDOW, 2 * Short.BYTES));
    private static final List<Part> PEER = List.of(
            new Part("PEER_SEQUENCE_LOW", EntryLayout.PEER_SEQUENCE_LOW, Integer.BYTES),
            new Part("PEER_SEQUENCE_HIGH", EntryLayout.PEER_SEQUENCE_HIGH, Integer.BYTES));
    private static final List<Part> SIDE = List.of(
            new Part("NEXT", EntryLayout.NEXT, Integer.BYTES),
            new Part("PREVIOUS", EntryLayout.PREVIOUS, Integer.BYTES),
            new Part("ORIGINAL_IN_PORT", EntryLayout.ORIGINAL_IN_PORT, Integer.BYTES),
            new Part("REPLY_IN_PORT", EntryLayout.REPLY_IN_PORT, Integer.BYTES),
            new Part("WHEEL_BUCKET", EntryLayout.WHEEL_BUCKET, Short.BYTES),
            new Part("POLICY", EntryLayout.POLICY, Short.BYTES),
            new Part("ALG", EntryLayout.ALG, Byte.BYTES),
            new Part("CONTROL", EntryLayout.CONTROL, Byte.BYTES));
    private static final List<Part> ADDRESSES = List.of(
            new Part("SOURCE_HIGH", EntryLayout.SOURCE_HIGH, Long.BYTES),
            new Part("SOURCE_LOW", EntryLayout.SOURCE_LOW, Long.BYTES),
            new Part("DESTINATION_HIGH", EntryLayout.DESTINATION_HIGH, Long.BYTES),
            new Part("DESTINATION_LOW", EntryLayout.DESTINATION_LOW, Long.BYTES));
    private static final int ADDRESSES_BYTES = 4 * Long.BYTES;
    private static final List<Part> EXTENSION = List.of(
            new Part("original addresses", 0, ADDRESSES_BYTES),
            new Part("REPLY", EntryLayout.REPLY, ADDRESSES_BYTES),
            new Part("REPLY_PORTS", EntryLayout.REPLY_PORTS, Integer.BYTES),
            new Part("NAT", EntryLayout.NAT, Integer.BYTES),
            new Part("LABEL_HIGH", EntryLayout.LABEL_HIGH, Long.BYTES),
            new Part("LABEL_LOW", EntryLayout.LABEL_LOW, Long.BYTES),
            new Part("SKEW", EntryLayout.SKEW, SequenceSkew.SIZE_BYTES),
            new Part("PARENT_ID", EntryLayout.PARENT_ID, Long.BYTES),
            new Part("PARENT", EntryLayout.PARENT, ADDRESSES_BYTES),
            new Part("PARENT_PORTS", EntryLayout.PARENT_PORTS, Integer.BYTES),
            new Part("PARENT_KIND", EntryLayout.PARENT_KIND, Integer.BYTES),
            new Part("NEXT_EXTENSION", EntryLayout.NEXT_EXTENSION, Integer.BYTES));
    /** SCTP has its own use for what TCP keeps of the two peers. */
    private static final List<Part> SCTP = List.of(
            new Part("tags", SctpTracking.TAGS - EntryLayout.PEER, 2 * SctpTracking.TAG_BYTES),
            new Part("offered tags", SctpTracking.OFFERED_TAGS - EntryLayout.PEER, 2 * SctpTracking.TAG_BYTES),
            new Part("spare tag", SctpTracking.SPARE_TAG - EntryLayout.PEER, SctpTracking.TAG_BYTES));

    /**
     * Constants that are no offset of a part: sizes, flags, masks, and a link that uses a part while the slot is free.
     */
    private static final Set<String> OTHERS = Set.of(
            "SIZE_BYTES",
            "PEER_BYTES",
            "SIDE_BYTES",
            "EXTENSION_BYTES",
            "NEXT_FREE",
            "FLAGS_LENIENT",
            "TIMEOUT_SHIFT",
            "FLAGS_MASK",
            "FREE",
            "ALIVE",
            "REMOVED",
            "LIFE_MASK",
            "LOCKED",
            "HOLD_ONE",
            "HOLDS_MASK",
            "GENERATION_MASK",
            "VERSION_ONE",
            "VERSION_MASK",
            "ICMP_CLASS_SHIFT",
            "ICMP_CLASS_MASK");

    private final EntryTable entries = new EntryTable(4, false);
    private final long entry = entries.entry(entries.take());

    @Test
    void partsAreDisjointAndInside() {
        assertDisjoint(ENTRY, EntryLayout.SIZE_BYTES);
        assertDisjoint(PEER, EntryLayout.PEER_BYTES);
        assertDisjoint(SIDE, EntryLayout.SIDE_BYTES);
        assertDisjoint(ADDRESSES, ADDRESSES_BYTES);
        assertDisjoint(EXTENSION, EntryLayout.EXTENSION_BYTES);
        assertDisjoint(SCTP, EntryLayout.SIZE_BYTES - EntryLayout.PEER);
    }

    private static void assertDisjoint(List<Part> parts, int sizeBytes) {
        String[] owners = new String[sizeBytes];
        for (Part part : parts) {
            assertThat(part.offset()).as(part.name()).isBetween(0, sizeBytes - part.bytes());
            for (int at = part.offset(); at < part.offset() + part.bytes(); at++) {
                assertThat(owners[at]).as("byte %d, %s", at, part.name()).isNull();
                owners[at] = part.name();
            }
        }
    }

    @Test
    void noConstantIsForgottenHere() {
        Set<String> known = new TreeSet<>(OTHERS);
        for (List<Part> parts : List.of(ENTRY, PEER, SIDE, ADDRESSES, EXTENSION)) {
            parts.forEach(part -> known.add(part.name()));
        }
        List<String> unknown = Arrays.stream(EntryLayout.class.getDeclaredFields())
                .filter(field -> Modifier.isStatic(field.getModifiers()))
                .map(Field::getName)
                .filter(name -> !name.startsWith("FLAG_") && !known.contains(name))
                .toList();
        assertThat(unknown).as("constants that have no place in this test").isEmpty();
    }

    @Test
    void flagsAreDistinctBits() throws IllegalAccessException {
        Set<String> ofEachDirection = Set.of("FLAG_LENIENT", "FLAG_SCALE_KNOWN");
        List<Integer> bits = new ArrayList<>();
        for (Field field : EntryLayout.class.getDeclaredFields()) {
            if (field.getName().startsWith("FLAG_")) {
                int flag = field.getInt(null);
                bits.add(flag);
                if (ofEachDirection.contains(field.getName())) {
                    bits.add(flag << 1);
                }
            }
        }
        assertThat(bits)
                .doesNotHaveDuplicates()
                .allMatch(bit -> Integer.bitCount(bit) == 1 && (bit & EntryLayout.FLAGS_MASK) == bit);
    }

    @Test
    void partsOfTheWordAreDisjoint() {
        List<Long> parts = List.of(
                EntryLayout.GENERATION_MASK,
                EntryLayout.VERSION_MASK,
                EntryLayout.HOLDS_MASK,
                (long) EntryLayout.LIFE_MASK,
                (long) EntryLayout.LOCKED);
        assertThat(parts.stream().mapToLong(mask -> mask).sum())
                .isEqualTo(parts.stream().reduce(0L, (a, b) -> a | b));
        assertThat(Integer.bitCount(EntryLayout.LOCKED)).isEqualTo(1);
        assertThat(Long.lowestOneBit(EntryLayout.VERSION_MASK)).isEqualTo(EntryLayout.VERSION_ONE);
        assertThat(Long.lowestOneBit(EntryLayout.HOLDS_MASK)).isEqualTo(EntryLayout.HOLD_ONE);
        assertThat(List.of(EntryLayout.FREE, EntryLayout.ALIVE, EntryLayout.REMOVED))
                .doesNotHaveDuplicates()
                .allMatch(life -> (life & EntryLayout.LIFE_MASK) == life);
    }

    @ParameterizedTest
    @EnumSource
    void everyTcpStateFits(TcpState state) {
        assertStateFits(state.ordinal());
    }

    @ParameterizedTest
    @EnumSource
    void everySctpStateFits(SctpState state) {
        assertStateFits(state.ordinal());
    }

    private void assertStateFits(int state) {
        for (int direction = 0; direction < 2; direction++) {
            EntryLayout.setScale(entry, direction, 14);
            EntryLayout.setState(entry, direction, state);
            EntryLayout.setState(entry, direction ^ 1, 0);
            assertThat(EntryLayout.state(entry, direction)).isEqualTo(state);
            assertThat(EntryLayout.scale(entry, direction)).isEqualTo(14);
        }
    }

    @ParameterizedTest
    @EnumSource
    void everyTimeoutFitsBesideTheFlags(Timeout timeout) {
        for (int flags : new int[] {0, EntryLayout.FLAGS_MASK}) {
            EntryLayout.setFlags(entry, flags);
            EntryLayout.setTimeout(entry, EntryLayout.flags(entry), timeout);
            assertThat(EntryLayout.timeoutKind(entry)).isEqualTo(timeout.ordinal());
            assertThat(EntryLayout.flags(entry)).isEqualTo(flags);
        }
    }

    @Test
    void everyKindOfPacketFits() {
        for (int zone : new int[] {0, 0xffff}) {
            for (int protocol : new int[] {0, 1, 58, 0xff}) {
                for (int type = 0; type < 256; type++) {
                    int icmpClass = IcmpTypes.classOf(protocol, type);
                    int kind = EntryLayout.kind(zone, protocol, icmpClass, type % 2 == 0);
                    assertThat(EntryLayout.zone(kind)).isEqualTo(zone);
                    assertThat(EntryLayout.protocol(kind)).isEqualTo(protocol);
                    assertThat(EntryLayout.icmpClass(kind)).isEqualTo(icmpClass);
                    assertThat(EntryLayout.ipv6(kind)).isEqualTo(type % 2 == 0);
                }
            }
        }
    }

    @Test
    void theWheelsBucketsAndTheHelpersFitTheirFields() {
        long side = entries.side(entries.slotOf(entry));
        ExpiryWheel wheel = new ExpiryWheel(entries, 0);
        long farthestNs = Long.MAX_VALUE / 2;
        OffHeap.putLong(entry + EntryLayout.DEADLINE, farthestNs);
        wheel.schedule(entries.slotOf(entry));
        int bucket = OffHeap.getUnsignedShort(side + EntryLayout.WHEEL_BUCKET);
        assertThat(bucket).isBetween(1, 0xffff);
        assertThat(OffHeap.getInt(side + EntryLayout.NEXT)).isZero();
        wheel.scheduleAgain(entries.slotOf(entry));
        assertThat(OffHeap.getUnsignedShort(side + EntryLayout.WHEEL_BUCKET))
                .as("the last list")
                .isGreaterThan(bucket);
        assertThat(Alg.values().length).isLessThan(1 << Byte.SIZE);
        assertThat(ConnectionSnapshot.Control.values().length).isLessThan(1 << Byte.SIZE);
    }
}
