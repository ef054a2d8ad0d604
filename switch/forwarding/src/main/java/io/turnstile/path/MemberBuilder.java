package io.turnstile.path;

import io.turnstile.offload.spi.Direction;
import io.turnstile.path.Composition.Bits;
import io.turnstile.path.Composition.Member;

/** Gathers what a walk asks of one connection. Threads: one. */
final class MemberBuilder {
    final long connectionId;
    final Direction direction;
    private int mark;
    private int markMask;
    private long labelHigh;
    private long labelLow;
    private long labelMaskHigh;
    private long labelMaskLow;

    MemberBuilder(long connectionId, Direction direction) {
        this.connectionId = connectionId;
        this.direction = direction;
    }

    /** Asks for bits of the mark; false if other ones were asked for before. */
    boolean addMark(int value, int mask) {
        boolean agrees = ((mark ^ value) & markMask & mask) == 0;
        mark |= value & mask;
        markMask |= mask;
        return agrees;
    }

    /** Asks for bits of the label; false if other ones were asked for before. */
    boolean addLabel(long high, long low, long maskHigh, long maskLow) {
        boolean agrees = ((labelHigh ^ high) & labelMaskHigh & maskHigh) == 0
                && ((labelLow ^ low) & labelMaskLow & maskLow) == 0;
        labelHigh |= high & maskHigh;
        labelLow |= low & maskLow;
        labelMaskHigh |= maskHigh;
        labelMaskLow |= maskLow;
        return agrees;
    }

    Member build() {
        boolean isNone = (markMask | labelMaskHigh | labelMaskLow) == 0;
        return new Member(
                connectionId,
                direction,
                isNone ? Bits.NONE : new Bits(mark, markMask, labelHigh, labelLow, labelMaskHigh, labelMaskLow));
    }
}
