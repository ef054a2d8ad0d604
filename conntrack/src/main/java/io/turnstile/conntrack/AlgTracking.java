package io.turnstile.conntrack;

import static io.turnstile.conntrack.EntryLayout.FLAG_NAT;
import static io.turnstile.conntrack.EntryLayout.FLAG_SPECIAL;

import io.turnstile.conntrack.ConnectionSnapshot.Control;
import io.turnstile.conntrack.Expectations.Expectation;
import io.turnstile.conntrack.FtpDataAddress.Kind;
import io.turnstile.packet.Packet;

/**
 * The helpers of {@code ct(commit,alg=…)}: follows a control connection packet by packet, expects the connections that
 * it announces, and, where the control connection is translated, has it announce the translated address and keeps both
 * ends' sequence numbers in step.
 *
 * <p>For each packet: {@link #begin}, and if that is true {@link #restore} before the packet is tracked, {@link #read}
 * after that and before it is translated, {@link #expect} when its marks are set. Where it was tracked before and is
 * only translated now: {@link #readAgain}.
 *
 * <p>What an end announces must be its own address: nobody is to open a way to somebody else. A server that is
 * commanded to call somebody else is about to be misused (RFC 2577 §3), and the command invalid; an answer that names
 * somebody else's address announces nothing, and its receiver may do with it what it likes.
 *
 * <p>Threads: scratch of one; the entry is locked by the caller throughout.
 */
final class AlgTracking {
    private static final Alg[] ALGS = Alg.values();
    private static final Control[] CONTROLS = Control.values();
    /** How many announcements one packet may have; further ones stay as they are, and nothing is expected. */
    static final int MOST_IN_PACKET = 8;

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
    /** Ports of the connections that the packet announces. */
    private final int[] expectedPorts = new int[MOST_IN_PACKET];

    private int expected;

    private final PayloadChanges changes = new PayloadChanges();
    private boolean learnsControl;
    private boolean learnedControl;

    AlgTracking(ConnectionTable table) {
        this.table = table;
    }

    /**
     * A packet of a connection is at hand.
     *
     * @param flags the connection's {@link EntryLayout#flags}
     * @param isReply it travels the reply way
     * @param translates it is about to be translated
     * @return whether the connection has a helper; if not, nothing else is to be called
     */
    boolean begin(int slot, long entry, int flags, boolean isReply, boolean translates) {
        if ((flags & FLAG_SPECIAL) == 0) {
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
        expected = 0;
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
                    expectedPorts[expected++] = reply.destinationPort;
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

    /** Who speaks first decides: a server that greets. */
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
        // Data is no dialogue, and not to be searched from end to end.
        boolean isDialogue = CONTROLS[OffHeap.getUnsignedByte(side + EntryLayout.CONTROL)] != Control.NO;
        ftp.begin(packet, direction == 0, isDialogue);
        changes.begin(packet);
        while ((direction == 0 || expected < MOST_IN_PACKET) && ftp.next()) { // commands are looked at to the last
            readTuples();
            FtpDataAddress address = ftp.dataAddress();
            if (!isOwnAddress(address)) {
                if (direction == 0) {
                    expected = 0;
                    return false;
                }
            } else if (expected < MOST_IN_PACKET && (!translates || translate(packet, address))) {
                expectedPorts[expected++] = address.port;
            }
        }
        return true;
    }

    private boolean isOwnAddress(FtpDataAddress address) {
        return switch (address.kind) {
            case PORT, EPRT ->
                address.names(original.sourceHigh, original.sourceLow)
                        || address.names(reply.destinationHigh, reply.destinationLow);
            case PASV ->
                address.names(reply.sourceHigh, reply.sourceLow)
                        || address.names(original.destinationHigh, original.destinationLow);
            // RFC 2428 §3: the address is that of the control connection, whatever is written there.
            case EPSV, EPSV_LONG -> true;
        };
    }

    /** Each end is told the address by which it knows the other; false if that does not fit into the packet. */
    private boolean translate(Packet packet, FtpDataAddress address) {
        boolean client = direction == 0;
        long high = client ? reply.destinationHigh : original.destinationHigh;
        long low = client ? reply.destinationLow : original.destinationLow;
        boolean foreign = address.kind == Kind.EPSV_LONG && !address.names(reply.sourceHigh, reply.sourceLow);
        if (foreign || address.names(high, low)) {
            return true;
        }
        try {
            int position = changes.position(address.addressFrom);
            int byBytes = address.replaceAddress(packet, high, low);
            ftp.lengthened(byBytes);
            changes.add(extension + EntryLayout.SKEW, direction, position, byBytes);
            return true;
        } catch (FtpSpaceException noRoom) {
            return false;
        }
    }

    // ---- expectations ----

    /** Expects what the packet announced, if it did; it inherits the marks that the connection has now. */
    void expect(long connectionId) {
        for (int i = 0; i < expected; i++) {
            expect(connectionId, expectedPorts[i]);
        }
    }

    private void expect(long connectionId, int port) {
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
            expectFromServer(expectation, port, destinationTranslated);
        } else {
            expectFromClient(expectation, port, destinationTranslated);
        }
        table.expectations.add(expectation);
    }

    /** Active FTP, TFTP: the server will call, as it sees itself and the client. */
    private void expectFromServer(Expectation expectation, int port, boolean destinationTranslated) {
        expectation.tuple.copyFrom(reply);
        setPorts(expectation, port);
        if (destinationTranslated) {
            translated(expectation, Translation.NAT_SOURCE, original.destinationHigh, original.destinationLow);
        } else {
            translated(expectation, Translation.NAT_DESTINATION, original.sourceHigh, original.sourceLow);
            expectation.natPort = alg == Alg.TFTP ? original.sourcePort : 0;
        }
    }

    /** Passive FTP: the client will call, as it sees itself and the server. */
    private void expectFromClient(Expectation expectation, int port, boolean destinationTranslated) {
        expectation.tuple.copyFrom(original);
        setPorts(expectation, port);
        if (destinationTranslated) {
            translated(expectation, Translation.NAT_DESTINATION, reply.sourceHigh, reply.sourceLow);
        } else {
            translated(expectation, Translation.NAT_SOURCE, reply.destinationHigh, reply.destinationLow);
        }
    }

    private static void setPorts(Expectation expectation, int port) {
        expectation.tuple.sourcePort = 0;
        expectation.tuple.destinationPort = port;
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
