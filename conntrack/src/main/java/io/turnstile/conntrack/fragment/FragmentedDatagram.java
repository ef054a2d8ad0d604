package io.turnstile.conntrack.fragment;

import io.turnstile.conntrack.Conntrack;
import io.turnstile.conntrack.fragment.IncompleteDatagram.Progress;
import io.turnstile.packet.InternetChecksum;
import io.turnstile.packet.Ipv4Header;
import io.turnstile.packet.Ipv6Header;
import io.turnstile.packet.Packet;
import io.turnstile.packet.Packet.ChecksumState;
import io.turnstile.packet.PacketParser;
import java.util.Arrays;
import java.util.Objects;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/**
 * The fragments of one datagram, ordered by their place in it, and the whole once they are all there.
 *
 * <p>Threads: under the reassembler's lock while incomplete; then the thread's that completed it.
 */
public final class FragmentedDatagram {
    /** The fragment carries bytes that are there already. */
    static final int OVERLAPS = -1;
    /** The fragment and those that are there disagree on where the datagram ends. */
    static final int CONTRADICTS = -2;

    private static final int FEW = 4;
    private static final int UNKNOWN = -1;

    // The key; see FragmentHeader.
    private FragmentFamily family = FragmentFamily.IPV4;
    private long sourceHigh;
    private long sourceLow;
    private long destinationHigh;
    private long destinationLow;
    private int identification;
    private int protocol;
    private int zone;
    private int recirculationId;

    private Packet[] fragments = new Packet[FEW];
    private int[] starts = new int[FEW];
    private int[] ends = new int[FEW];
    private int[] dataOffsets = new int[FEW];
    private int count;
    private int heldBytes;
    private int totalBytes;
    /** Offset in the first fragment of the field that the fragment header leaves behind when it goes. */
    private int nextHeaderOffset;

    private boolean failed;

    private @Nullable Packet whole; // null until complete
    private int wholeBytes;
    private int wholeDataOffset;

    // Chains of the reassembler.
    @Nullable
    FragmentedDatagram nextInBucket;

    @Nullable
    FragmentedDatagram older;

    @Nullable
    FragmentedDatagram newer;

    int bucket;
    long deadlineNs;

    FragmentedDatagram() {}

    /** Becomes the empty datagram of that key. */
    void begin(FragmentHeader header, int zone, int recirculationId) {
        family = header.family;
        sourceHigh = header.sourceHigh;
        sourceLow = header.sourceLow;
        destinationHigh = header.destinationHigh;
        destinationLow = header.destinationLow;
        identification = header.identification;
        protocol = header.protocol;
        this.zone = zone;
        this.recirculationId = recirculationId;
        heldBytes = 0;
        totalBytes = UNKNOWN;
        failed = false;
    }

    boolean is(FragmentHeader header, int zone, int recirculationId) {
        return identification == header.identification
                && sourceLow == header.sourceLow
                && destinationLow == header.destinationLow
                && sourceHigh == header.sourceHigh
                && destinationHigh == header.destinationHigh
                && family == header.family
                && protocol == header.protocol
                && this.zone == zone
                && this.recirculationId == recirculationId;
    }

    FragmentFamily family() {
        return family;
    }

    boolean hasFailed() {
        return failed;
    }

    boolean isComplete() {
        return heldBytes == totalBytes;
    }

    /** Fragments that came in by such a port came in by none. */
    void forgetPorts(IntPredicate gone) {
        for (int i = 0; i < count; i++) {
            if (gone.test(fragments[i].inPort())) {
                fragments[i].setInPort(-1);
            }
        }
    }

    /** Where among the fragments a new one belongs, or {@link #OVERLAPS} or {@link #CONTRADICTS}. */
    int placeOf(FragmentHeader header) {
        int place = count;
        while (place > 0 && starts[place - 1] >= header.dataStart) {
            place--;
        }
        if (place > 0 && ends[place - 1] > header.dataStart || place < count && starts[place] < header.dataEnd) {
            return OVERLAPS;
        }
        boolean beyondTheEnd = totalBytes != UNKNOWN && (header.last || header.dataEnd > totalBytes);
        return beyondTheEnd || header.last && place < count ? CONTRADICTS : place;
    }

    void insert(int place, Packet fragment, FragmentHeader header) {
        if (count == fragments.length) {
            grow();
        }
        System.arraycopy(fragments, place, fragments, place + 1, count - place);
        System.arraycopy(starts, place, starts, place + 1, count - place);
        System.arraycopy(ends, place, ends, place + 1, count - place);
        System.arraycopy(dataOffsets, place, dataOffsets, place + 1, count - place);
        fragments[place] = fragment;
        starts[place] = header.dataStart;
        ends[place] = header.dataEnd;
        dataOffsets[place] = header.dataOffset;
        count++;
        heldBytes += header.dataEnd - header.dataStart;
        if (header.last) {
            totalBytes = header.dataEnd;
        }
        if (header.dataStart == 0) {
            nextHeaderOffset = header.nextHeaderOffset;
        }
    }

    private void grow() {
        fragments = Arrays.copyOf(fragments, count * 2);
        starts = Arrays.copyOf(starts, count * 2);
        ends = Arrays.copyOf(ends, count * 2);
        dataOffsets = Arrays.copyOf(dataOffsets, count * 2);
    }

    /**
     * Puts the datagram together in {@code into}, parsed, with the metadata of its first fragment.
     *
     * @return false if it would be longer than a datagram can be; it can't be completed any more then
     */
    boolean assemble(Packet into) {
        Packet first = fragments[0];
        int l3 = first.l3Offset();
        boolean ipv6 = family == FragmentFamily.IPV6;
        wholeDataOffset = dataOffsets[0] - (ipv6 ? Ipv6Header.FRAGMENT_BYTES : 0);
        int lengthField = wholeDataOffset - l3 - (ipv6 ? Ipv6Header.BYTES : 0) + totalBytes;
        if (lengthField > FragmentHeader.MAX_LENGTH_FIELD) {
            failed = true;
            return false;
        }
        into.copyFrom(first);
        into.truncate(dataOffsets[0] + ends[0]);
        for (int i = 1; i < count; i++) {
            into.append(fragments[i], dataOffsets[i], ends[i] - starts[i]);
        }
        if (ipv6) {
            into.putU8(nextHeaderOffset, into.u8(wholeDataOffset + Ipv6Header.EXTENSION_NEXT_HEADER));
            into.removeBytes(wholeDataOffset, Ipv6Header.FRAGMENT_BYTES);
            into.putU16(l3 + Ipv6Header.PAYLOAD_LENGTH, lengthField);
        } else {
            rewriteIpv4(into, l3 + Ipv4Header.TOTAL_LENGTH, l3, lengthField);
            int flags = l3 + Ipv4Header.FLAGS_AND_OFFSET;
            rewriteIpv4(into, flags, l3, into.u16(flags) & ~Ipv4Header.MORE_FRAGMENTS);
        }
        into.setChecksumState(ChecksumState.UNVERIFIED);
        into.setReassembled();
        PacketParser.parse(into);
        whole = into;
        wholeBytes = into.lengthBytes();
        return true;
    }

    private static void rewriteIpv4(Packet packet, int offset, int l3, int value) {
        int checksum = InternetChecksum.update16(packet.u16(l3 + Ipv4Header.CHECKSUM), packet.u16(offset), value);
        packet.putU16(l3 + Ipv4Header.CHECKSUM, checksum);
        packet.putU16(offset, value);
    }

    // ---- once complete ----

    /** The datagram as if it had never been cut, to be tracked. */
    public Packet whole() {
        return Objects.requireNonNull(whole, "only a complete datagram has a whole");
    }

    public int fragmentCount() {
        return count;
    }

    /** Fragments as they came, ordered by their place in the datagram. */
    public Packet fragment(int index) {
        return fragments[index];
    }

    /**
     * Gives every fragment what the tracker said of the whole and did to it: metadata, addresses, payload.
     *
     * @return false, with nothing changed, if the whole has another length than before: it does not fit the fragments
     */
    public boolean passOn() {
        Packet whole = whole();
        if (whole.lengthBytes() != wholeBytes) {
            return false;
        }
        for (int i = 0; i < count; i++) {
            Packet fragment = fragments[i];
            fragment.copyConntrack(whole);
            fragment.setCtConnection(Conntrack.NO_CONNECTION); // A fragment alone is never looked up.
            switch (family) {
                case IPV4 -> passOnIpv4Addresses(whole, fragment);
                case IPV6 -> passOnIpv6Addresses(whole, fragment);
            }
            fragment.putBytes(dataOffsets[i], whole, wholeDataOffset + starts[i], ends[i] - starts[i]);
        }
        return true;
    }

    private static void passOnIpv4Addresses(Packet whole, Packet fragment) {
        int l3 = fragment.l3Offset();
        for (int offset = Ipv4Header.SOURCE; offset < Ipv4Header.MIN_BYTES; offset += Integer.BYTES) {
            int before = fragment.u32(l3 + offset);
            int after = whole.u32(whole.l3Offset() + offset);
            if (before != after) {
                int checksum = InternetChecksum.update32(fragment.u16(l3 + Ipv4Header.CHECKSUM), before, after);
                fragment.putU16(l3 + Ipv4Header.CHECKSUM, checksum);
                fragment.putU32(l3 + offset, after);
            }
        }
    }

    private static void passOnIpv6Addresses(Packet whole, Packet fragment) {
        fragment.putBytes(
                fragment.l3Offset() + Ipv6Header.SOURCE,
                whole,
                whole.l3Offset() + Ipv6Header.SOURCE,
                Ipv6Header.BYTES - Ipv6Header.SOURCE);
    }

    // ---- at the end ----

    /** Gives all buffers back; the object may be used for another datagram. */
    void clear(FragmentBuffers buffers) {
        for (int i = 0; i < count; i++) {
            buffers.give(fragments[i]);
            fragments[i] = null;
        }
        count = 0;
        if (whole != null) {
            buffers.giveWhole(whole);
            whole = null;
        }
    }

    IncompleteDatagram snapshot() {
        return new IncompleteDatagram(
                family,
                sourceHigh,
                sourceLow,
                destinationHigh,
                destinationLow,
                recirculationId,
                identification,
                zone,
                protocol,
                count,
                progress());
    }

    private Progress progress() {
        if (failed) {
            return Progress.FAILED;
        }
        if (starts[0] == 0) {
            return totalBytes == UNKNOWN ? Progress.FIRST : Progress.FIRST_AND_LAST;
        }
        return totalBytes == UNKNOWN ? Progress.OTHER : Progress.LAST;
    }
}
