package io.turnstile.pipeline;

import io.turnstile.pipeline.flow.FlowMod;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * A set of a flow's flags in a byte, one bit each, since every flow has one; and one bit that is no flag. Threads:
 * stateless.
 */
final class FlagSet {
    static final byte NONE = 0;

    private static final FlowMod.Flag[] FLAGS = FlowMod.Flag.values();
    /** The flow has taken the place of one of equal match and priority. */
    private static final int REPLACES = 1 << FLAGS.length;
    /** Every set there is, by its bits. */
    private static final Set<FlowMod.Flag>[] SETS = sets();

    private FlagSet() {}

    @SuppressWarnings({"unchecked", "rawtypes"})
    private static Set<FlowMod.Flag>[] sets() {
        if (REPLACES > Byte.MAX_VALUE) {
            throw new IllegalStateException("more flags than a byte has room for");
        }
        return IntStream.range(0, 1 << FLAGS.length)
                .mapToObj(bits -> {
                    Set<FlowMod.Flag> set = EnumSet.noneOf(FlowMod.Flag.class);
                    Arrays.stream(FLAGS).filter(flag -> (bits & bit(flag)) != 0).forEach(set::add);
                    return Set.copyOf(set);
                })
                .toArray(Set[]::new);
    }

    private static int bit(FlowMod.Flag flag) {
        return 1 << flag.ordinal();
    }

    static byte of(Collection<FlowMod.Flag> flags) {
        int bits = 0;
        for (FlowMod.Flag flag : flags) {
            bits |= bit(flag);
        }
        return (byte) bits;
    }

    static boolean has(byte set, FlowMod.Flag flag) {
        return (set & bit(flag)) != 0;
    }

    static Set<FlowMod.Flag> set(byte set) {
        return SETS[set & ~REPLACES];
    }

    static byte replacing(byte set) {
        return (byte) (set | REPLACES);
    }

    static boolean replaces(byte set) {
        return (set & REPLACES) != 0;
    }
}
