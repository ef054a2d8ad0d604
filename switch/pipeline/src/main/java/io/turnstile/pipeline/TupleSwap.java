package io.turnstile.pipeline;

import io.turnstile.datapath.Field;
import io.turnstile.datapath.FlowKey;
import io.turnstile.packet.EtherTypes;
import io.turnstile.pipeline.flow.MatchField;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The swap of the packet's addresses and ports with the connection's original tuple for {@code resubmit(,table,ct)}.
 */
final class TupleSwap {
    /** A field of the original tuple, and the packet's own field that it is swapped with. */
    private record Pair(Field original, Field packets) {
        static Stream<Pair> of(Field field) {
            Field packets = field.packetField();
            return packets == null ? Stream.empty() : Stream.of(new Pair(field, packets));
        }
    }

    private static final List<Pair> OF_TUPLE =
            Arrays.stream(Field.values()).flatMap(Pair::of).toList();
    private static final List<Pair> IPV4 = ofPackets(EtherTypes.IPV4);
    private static final List<Pair> IPV6 = ofPackets(EtherTypes.IPV6);

    /** By word of the key: asked for every word of every lookup that a new rule might concern. */
    private static final boolean[] TOUCHED = touchedWords();

    private TupleSwap() {}

    private static boolean[] touchedWords() {
        boolean[] touched = new boolean[FlowKey.WORDS];
        for (int word = 0; word < touched.length; word++) {
            int at = word;
            touched[word] = OF_TUPLE.stream().anyMatch(pair -> pair.original.isIn(at) || pair.packets.isIn(at));
        }
        return touched;
    }

    /** Swaps in a key or in a mask; doing it twice restores. */
    static void swap(long[] keyOrMask, int etherType) {
        for (Pair pair : etherType == EtherTypes.IPV6 ? IPV6 : IPV4) {
            Field original = pair.original;
            Field packets = pair.packets;
            long high = packets.getHigh(keyOrMask);
            long low = packets.get(keyOrMask);
            packets.set(keyOrMask, original.getHigh(keyOrMask), original.get(keyOrMask));
            original.set(keyOrMask, high, low);
        }
    }

    /** Those of the tuple that such packets have in themselves, too. */
    private static List<Pair> ofPackets(int etherType) {
        return OF_TUPLE.stream()
                .filter(pair -> MatchField.of(pair.packets).stream()
                        .anyMatch(name -> name.prerequisite().allows(etherType)))
                .toList();
    }

    /** Whether the word of the key holds a field that takes part. */
    static boolean touches(int word) {
        return TOUCHED[word];
    }
}
