package io.turnstile.openflow;

import io.netty.buffer.ByteBuf;
import io.turnstile.openflow.MessageNumber.Space;
import io.turnstile.openflow.wire.Wire;
import io.turnstile.openflow.wire.WireVersion;
import io.turnstile.pipeline.flow.OfErrorCode;
import io.turnstile.pipeline.flow.OfException;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The heads of messages: what stands before a message's own content and names it. That is the header alone, or the
 * header and an experimenter's id with a subtype, or the header of statistics, or all of these.
 */
final class MessageFraming {
    private static final int EXPERIMENTER_HEAD_BYTES = 8;

    private MessageFraming() {}

    /**
     * Finds out which message it is and leaves {@code body}'s reader behind the head.
     *
     * @param number the header's type
     * @param body what stands behind the header
     * @return null for a type that is not known; unknown experimenters, subtypes and statistics have errors of their
     *     own
     */
    static @Nullable MessageType read(int number, ByteBuf body, WireVersion version, Role role) throws OfException {
        if (number == MessageNumber.EXPERIMENTER.in(version)) {
            return readExperimenter(body, version, role);
        }
        if (number == MessageNumber.STATISTICS_REQUEST.in(version)) {
            return readStatistics(body, version);
        }
        return MessageType.received(Space.TYPE, version, number);
    }

    private static MessageType readExperimenter(ByteBuf body, WireVersion version, Role role) throws OfException {
        need(body, EXPERIMENTER_HEAD_BYTES);
        int experimenter = body.readInt();
        int subtype = body.readInt();
        Space space = switch (experimenter) {
            case Wire.NICIRA -> Space.NICIRA;
            case Wire.ONF -> Space.ONF;
            default -> throw badExperimenter(experimenter);
        };
        MessageType type = MessageType.received(space, version, subtype);
        if (type == null && space == Space.ONF && role == Role.SLAVE) {
            throw new OfException(OfErrorCode.OFPBRC_IS_SLAVE, "what ONF message " + subtype + " changes is not known");
        }
        return known(type, space, subtype);
    }

    private static MessageType readStatistics(ByteBuf body, WireVersion version) throws OfException {
        int flagsAndPadBytes = version.hasInstructions() ? 6 : 2;
        need(body, 2 + flagsAndPadBytes);
        int number = body.readUnsignedShort();
        body.skipBytes(flagsAndPadBytes);
        if (number == Wire.EXPERIMENTER) {
            return readExperimenterStatistics(body, version);
        }
        MessageType type = MessageType.received(Space.STATISTICS, version, number);
        if (type == null) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_STAT, "statistics type " + number);
        }
        return type;
    }

    private static MessageType readExperimenterStatistics(ByteBuf body, WireVersion version) throws OfException {
        need(body, EXPERIMENTER_HEAD_BYTES);
        int experimenter = body.readInt();
        int subtype = body.readInt();
        Space space = switch (experimenter) {
            case Wire.NICIRA -> Space.NICIRA_STATISTICS;
            case Wire.ONF -> Space.ONF_STATISTICS;
            default -> throw badExperimenter(experimenter);
        };
        return known(MessageType.received(space, version, subtype), space, subtype);
    }

    private static OfException badExperimenter(int experimenter) {
        return new OfException(OfErrorCode.OFPBRC_BAD_VENDOR, "experimenter 0x" + Integer.toHexString(experimenter));
    }

    private static MessageType known(@Nullable MessageType type, Space space, int subtype) throws OfException {
        if (type == null) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_SUBTYPE, space + " subtype " + subtype);
        }
        return type;
    }

    private static void need(ByteBuf body, int bytes) throws OfException {
        if (body.readableBytes() < bytes) {
            throw new OfException(OfErrorCode.OFPBRC_BAD_LEN, "truncated");
        }
    }

    /** Writes one whole message. */
    static void write(ByteBuf out, MessageType type, WireVersion version, int xid, Consumer<ByteBuf> body) {
        boolean experimenter = type.space() != Space.TYPE;
        int number = numberOf(type, version);
        int start =
                Wire.startMessage(out, version, experimenter ? MessageNumber.EXPERIMENTER.in(version) : number, xid);
        switch (type.space()) {
            case TYPE -> {}
            case NICIRA -> out.writeInt(Wire.NICIRA).writeInt(number);
            case ONF -> out.writeInt(Wire.ONF).writeInt(number);
            case STATISTICS, NICIRA_STATISTICS, ONF_STATISTICS ->
                throw new IllegalArgumentException(type + ": see startStatistics");
        }
        body.accept(out);
        Wire.endMessage(out, start);
    }

    /** Writes the head of a reply to the statistics request {@code type}; the flags are zero. */
    static void startStatistics(ByteBuf out, MessageType type, WireVersion version, int xid) {
        int number = numberOf(type, version);
        Wire.startMessage(out, version, MessageNumber.STATISTICS_REPLY.in(version), xid);
        out.writeShort(type.space() == Space.STATISTICS ? number : Wire.EXPERIMENTER)
                .writeShort(0);
        out.writeZero(version.hasInstructions() ? 4 : 0);
        switch (type.space()) {
            case STATISTICS -> {}
            // The padding is of 1.0 alone.
            case NICIRA_STATISTICS ->
                out.writeInt(Wire.NICIRA).writeInt(number).writeZero(version.hasInstructions() ? 0 : 4);
            case ONF_STATISTICS -> out.writeInt(Wire.ONF).writeInt(number);
            case TYPE, NICIRA, ONF -> throw new IllegalArgumentException(type + " is no statistics");
        }
    }

    private static int numberOf(MessageType type, WireVersion version) {
        int number = type.number(version);
        if (number == MessageNumber.NONE) {
            throw new IllegalArgumentException(version + " has no " + type);
        }
        return number;
    }
}
