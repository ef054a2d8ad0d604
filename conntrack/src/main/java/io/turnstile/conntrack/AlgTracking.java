package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.packet.Packet;
import io.turnstile.packet.TcpHeader;

/**
 * The helpers of {@code ct(commit,alg=…)}: follows a control connection packet by packet, expects the connections that
 * it announces, and, where the control connection is translated, has it announce the translated address and keeps both
 * ends' sequence numbers in step.
 *
 * <p>For each packet: {@link #begin}, and if that is true {@link #restore} before the packet is tracked, {@link #read}
 * after that and before it is translated, {@link #expect} when its marks are set. Where it was tracked before and is
 * only translated now: {@link #readAgain}.
 *
 * <p>What an end announces must be its own address: nobody is to open a way to somebody else.
 *
 * <p>Threads: scratch of one; the entry is locked by the caller throughout.
 */
final class AlgTracking {
    private static final Alg[] ALGS = Alg.values();

    private final ConnectionTable table;
    private final FtpControlParser ftp = new FtpControlParser();
    /** The tuples of the connection at hand. */
    private final Tuple original = new Tuple();

    private final Tuple reply = new Tuple();
    private Alg alg = Alg.NONE;
    private long entry;
    private long side;
    private long extension;
    private int direction;
    private boolean translates;
    /** Port of the connection that the packet announces; 0 if it announces none. */
    private int expectedPort;

    private boolean learnsControl;
    private boolean learnedControl;

    AlgTracking(ConnectionTable table) {
        this.table = table;
    }

    /**
     * A packet of a connection is at hand.
     *
     * @param isReply it travels the reply way
     * @param translates it is about to be translated
     * @return whether the connection has a helper; if not, nothing else is to be called
     */
    boolean begin(int slot, long entry, boolean isReply, boolean translates) {
        if ((EntryLayout.flags(entry) & FLAG_SPECIAL) == 0) {
            return false;
        }
        long side = table.entries.side(slot);
        int helper = OffHeap.getUnsignedByte(side + EntryLayout.ALG);
        if (helper == Alg.NONE.ordinal()) {
            return false;
        }
        alg = ALGS[helper];
        learnsControl = true;
        learnedControl = false;
        this.side = side;
        this.entry = entry;
        this.translates = translates;
        extension = table.entries.extensionOf(entry);
        direction = isReply ? 1 : 0;
        expectedPort = 0;
        return true;
    }

    /** What the packet acknowledges becomes what the other end has sent. */
    void restore(Packet packet) {
        if (alg == Alg.FTP && translates) {
            SequenceSkew.restoreAcknowledged(extension + EntryLayout.SKEW, packet, direction);
        }
    }

    /** Looks at what the packet says; false if it announces what it must not, and is invalid. */
    boolean read(Packet packet) {
        return switch (alg) {
            case NONE -> true;
            case FTP -> {
                boolean valid = readFtp(packet);
                if (translates) {
                    SequenceSkew.shiftSequence(extension + EntryLayout.SKEW, packet, direction);
                }
                yield valid;
            }
            case TFTP -> {
                if (direction == 0 && TftpRequest.is(packet)) {
                    readTuples();
                    expectedPort = reply.destinationPort;
                }
                yield true;
            }
        };
    }

    /**
     * Takes along a packet that nobody vouches for: nothing of what it says is believed. False if it says anything:
     * what it announces could neither be let through untranslated nor be translated.
     */
    boolean pass(Packet packet) {
        if (alg == Alg.FTP && translates) {
            SequenceSkew.shiftSequence(extension + EntryLayout.SKEW, packet, direction);
        }
        return alg != Alg.FTP || !FtpControlParser.hasPayload(packet);
    }

    /**
     * Looks at a packet that an earlier {@code ct()} has followed, as it is translated now. What it says of the
     * connection was learned then; if it was invalid, it has nothing to say.
     */
    void readAgain(Packet packet) {
        learnsControl = false;
        read(packet);
    }

    /** {@link #read} has learned whether the connection is the helper's own dialogue. */
    boolean learnedControl() {
        return learnedControl;
    }

    /** Who speaks first decides: a server that greets. It changes nothing about what the helper reads. */
    private void learnControl(Packet packet) {
        if (learnsControl
                && OffHeap.getUnsignedByte(side + EntryLayout.CONTROL) == Control.UNKNOWN.ordinal()
                && FtpControlParser.hasPayload(packet)) {
            boolean greets = direction != 0 && FtpControlParser.isGreeting(packet);
            OffHeap.putByte(side + EntryLayout.CONTROL, (greets ? Control.YES : Control.NO).ordinal());
            learnedControl = true;
        }
    }

    private boolean readFtp(Packet packet) {
        learnControl(packet);
        return switch (ftp.read(packet, direction == 0)) {
            case OTHER -> true;
            case INVALID -> false;
            case DATA_ADDRESS -> {
                readTuples();
                FtpDataAddress address = ftp.dataAddress();
                boolean valid = isOwnAddress(address) && (!translates || translate(packet, address));
                expectedPort = valid ? address.port : 0;
                yield valid;
            }
        };
    }

    private boolean isOwnAddress(FtpDataAddress address) {
        return switch (address.kind) {
            case PORT, EPRT ->
                address.names(original.sourceHigh, original.sourceLow)
                        || address.names(reply.destinationHigh, reply.destinationLow);
            case PASV ->
                address.names(reply.sourceHigh, reply.sourceLow)
                        || address.names(original.destinationHigh, original.destinationLow);
            case EPSV -> true;
        };
    }

    /** Each end is told the address by which it knows the other; false if that does not fit into the packet. */
    private boolean translate(Packet packet, FtpDataAddress address) {
        boolean client = direction == 0;
        long high = client ? reply.destinationHigh : original.destinationHigh;
        long low = client ? reply.destinationLow : original.destinationLow;
        if (address.names(high, low)) {
            return true;
        }
        try {
            int sequence = packet.u32(packet.l4Offset() + TcpHeader.SEQUENCE);
            int byBytes = address.replaceAddress(packet, high, low);
            SequenceSkew.changed(extension + EntryLayout.SKEW, direction, sequence, byBytes);
            return true;
        } catch (FtpSpaceException noRoom) {
            return false;
        }
    }

    // ---- expectations ----

    /** Expects what the packet announced, if it did; it inherits the marks that the connection has now. */
    void expect(long connectionId) {
        if (expectedPort == 0) {
            return;
        }
        Expectation expectation = new Expectation();
        expectation.parentId = connectionId;
        expectation.parent.copyFrom(original);
        expectation.mark = OffHeap.getInt(entry + EntryLayout.MARK);
        if (extension != 0) {
            expectation.labelHigh = OffHeap.getLong(extension + EntryLayout.LABEL_HIGH);
            expectation.labelLow = OffHeap.getLong(extension + EntryLayout.LABEL_LOW);
        }
        boolean destinationTranslated = (EntryLayout.flags(entry) & FLAG_NAT) != 0
                && OffHeap.getInt(extension + EntryLayout.NAT) == Translation.NAT_DESTINATION;
        if (direction == 0) {
            expectFromServer(expectation, destinationTranslated);
        } else {
            expectFromClient(expectation, destinationTranslated);
        }
        table.expectations.add(expectation);
    }

    /** Active FTP, TFTP: the server will call, as it sees itself and the client. */
    private void expectFromServer(Expectation expectation, boolean destinationTranslated) {
        expectation.tuple.copyFrom(reply);
        setPorts(expectation);
        if (destinationTranslated) {
            translated(expectation, Translation.NAT_SOURCE, original.destinationHigh, original.destinationLow);
        } else {
            translated(expectation, Translation.NAT_DESTINATION, original.sourceHigh, original.sourceLow);
            expectation.natPort = alg == Alg.TFTP ? original.sourcePort : 0;
        }
    }

    /** Passive FTP: the client will call, as it sees itself and the server. */
    private void expectFromClient(Expectation expectation, boolean destinationTranslated) {
        expectation.tuple.copyFrom(original);
        setPorts(expectation);
        if (destinationTranslated) {
            translated(expectation, Translation.NAT_DESTINATION, reply.sourceHigh, reply.sourceLow);
        } else {
            translated(expectation, Translation.NAT_SOURCE, reply.destinationHigh, reply.destinationLow);
        }
    }

    private void setPorts(Expectation expectation) {
        expectation.tuple.sourcePort = 0;
        expectation.tuple.destinationPort = expectedPort;
    }

    private static void translated(Expectation expectation, int natFlags, long high, long low) {
        expectation.natFlags = natFlags;
        expectation.natHigh = high;
        expectation.natLow = low;
    }

    private void readTuples() {
        original.readOriginal(entry, extension);
        if ((EntryLayout.flags(entry) & FLAG_NAT) != 0) {
            reply.readTranslatedReply(entry, extension);
        } else {
            reply.copyReversed(original);
        }
    }
}
