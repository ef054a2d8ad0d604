package io.turnstile.pipeline.flow;

import io.turnstile.datapath.Field;
import io.turnstile.pipeline.flow.OfAction.SubField;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;

/** A masked write cut into runs of mask bits of at most 64 each, as NXAST_REG_LOAD can carry them. */
public final class LoadSegments {
    /**
     * One run of bits, and what is written there.
     *
     * @param value shifted down to bit 0; for in_port the 16-bit number
     */
    public record Segment(SubField target, long value) {}

    private LoadSegments() {}

    /** Lowest bits first. */
    public static List<Segment> of(OfAction.SetField set) {
        if (set.field() == Field.IN_PORT) {
            return List.of(new Segment(SubField.whole(Field.IN_PORT), set.valueLow() & 0xffff));
        }
        BigInteger mask = join(set.maskHigh(), set.maskLow());
        BigInteger value = join(set.valueHigh(), set.valueLow());
        List<Segment> segments = new ArrayList<>();
        int at = mask.getLowestSetBit();
        while (at >= 0 && at < mask.bitLength()) {
            int end = at;
            while (mask.testBit(end) && end - at < 64) {
                end++;
            }
            segments.add(new Segment(new SubField(set.field(), at, end - at), bits(value, at, end - at)));
            at = end;
            while (at < mask.bitLength() && !mask.testBit(at)) {
                at++;
            }
        }
        return segments;
    }

    private static long bits(BigInteger value, int from, int count) {
        long shifted = value.shiftRight(from).longValue();
        return count == 64 ? shifted : shifted & ((1L << count) - 1);
    }

    private static BigInteger join(long high, long low) {
        return new BigInteger(Long.toUnsignedString(high)).shiftLeft(64).or(new BigInteger(Long.toUnsignedString(low)));
    }
}
