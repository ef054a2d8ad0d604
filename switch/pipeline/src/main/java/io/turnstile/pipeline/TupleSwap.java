package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.MatchField;
import java.util.Arrays;
import java.util.List;

/**
 * The swap of the packet's addresses and ports with the connection's original tuple for {@code resubmit(,table,ct)}.
 */
final class TupleSwap {
    private static final List<Field> OF_TUPLE = Arrays.stream(Field.values())
            .filter(field -> field.packetField() != null)
            .toList();
    private static final List<Field> IPV4 = ofPackets(EtherTypes.IPV4);
    private static final List<Field> IPV6 = ofPackets(EtherTypes.IPV6);

    private TupleSwap() {}

    /** Swaps in a key or in a mask; doing it twice restores. */
    static void swap(long[] keyOrMask, int etherType) {
        for (Field original : etherType == EtherTypes.IPV6 ? IPV6 : IPV4) {
            Field packets = original.packetField();
            long high = packets.getHigh(keyOrMask);
            long low = packets.get(keyOrMask);
            packets.set(keyOrMask, original.getHigh(keyOrMask), original.get(keyOrMask));
            original.set(keyOrMask, high, low);
        }
    }

    /** Those of the tuple that such packets have in themselves, too. */
    private static List<Field> ofPackets(int etherType) {
        return OF_TUPLE.stream()
                .filter(original -> MatchField.of(original.packetField()).stream()
                        .anyMatch(name -> name.prerequisite().allows(etherType)))
                .toList();
    }

    /** Whether the word of the key holds a field that takes part. */
    static boolean touches(int word) {
        return OF_TUPLE.stream()
                .anyMatch(original ->
                        original.isIn(word) || original.packetField().isIn(word));
    }
}
