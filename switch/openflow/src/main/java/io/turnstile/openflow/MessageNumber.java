package io.turnstile.openflow;

import io.turnstile.openflow.wire.WireVersion;
import java.util.Arrays;

/** The number that a message bears in each version, and where that number stands. Immutable. */
final class MessageNumber {
    /** Where a number stands: messages are told apart by it within one space only. */
    enum Space {
        /** The header's type. */
        TYPE,
        /** The type of a statistics message (OpenFlow 1.0) or multipart message (since 1.1). */
        STATISTICS,
        /** The subtype of one of Nicira's experimenter messages. */
        NICIRA,
        /** The subtype of one of ONF's experimenter messages. */
        ONF,
        /** The subtype of Nicira's experimenter statistics. */
        NICIRA_STATISTICS,
        /** The subtype of ONF's experimenter statistics. */
        ONF_STATISTICS
    }

    /** What {@link #in} says of a version that does not have the message. */
    static final int NONE = -1;

    // The messages that those of the other spaces travel in.
    static final MessageNumber EXPERIMENTER = type(4);
    static final MessageNumber STATISTICS_REQUEST = type(16).from(WireVersion.OF11, 18);
    static final MessageNumber STATISTICS_REPLY = type(17).from(WireVersion.OF11, 19);

    private final Space space;
    private final int[] byVersion;

    private MessageNumber(Space space, int[] byVersion) {
        this.space = space;
        this.byVersion = byVersion;
    }

    private static MessageNumber everywhere(Space space, int number) {
        int[] byVersion = new int[WireVersion.values().length];
        Arrays.fill(byVersion, number);
        return new MessageNumber(space, byVersion);
    }

    /** A type that all versions give the message. */
    static MessageNumber type(int number) {
        return everywhere(Space.TYPE, number);
    }

    /** A type that versions from this one on have. */
    static MessageNumber type(WireVersion first, int number) {
        return type(NONE).from(first, number);
    }

    static MessageNumber statistics(int number) {
        return everywhere(Space.STATISTICS, number);
    }

    static MessageNumber statistics(WireVersion first, int number) {
        return statistics(NONE).from(first, number);
    }

    static MessageNumber nicira(int number) {
        return everywhere(Space.NICIRA, number);
    }

    static MessageNumber onf(int number) {
        return everywhere(Space.ONF, number);
    }

    /** One of ONF's messages that 1.3 alone has. */
    static MessageNumber onf13(int number) {
        return everywhere(Space.ONF, NONE).from(WireVersion.OF13, number).from(WireVersion.OF14, NONE);
    }

    /** Nicira's statistics are for OpenFlow 1.0, whose own cannot hold an extensible match. */
    static MessageNumber niciraStatistics(int number) {
        return everywhere(Space.NICIRA_STATISTICS, number).from(WireVersion.OF11, NONE);
    }

    /** ONF's statistics are what 1.3 has of later versions. */
    static MessageNumber onfStatistics(int number) {
        return everywhere(Space.ONF_STATISTICS, NONE)
                .from(WireVersion.OF13, number)
                .from(WireVersion.OF14, NONE);
    }

    /** The same with another number in this version and all later ones. */
    MessageNumber from(WireVersion first, int number) {
        int[] changed = byVersion.clone();
        Arrays.fill(changed, first.ordinal(), changed.length, number);
        return new MessageNumber(space, changed);
    }

    Space space() {
        return space;
    }

    /** The number in that version, {@link #NONE} if the message is unknown there. */
    int in(WireVersion version) {
        return byVersion[version.ordinal()];
    }
}
