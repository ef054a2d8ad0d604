package io.turnstile.packet;

import static java.nio.ByteOrder.BIG_ENDIAN;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * One frame on its way through the switch: bytes in an off-heap buffer with headroom, the offsets of its layers and the
 * metadata that travels with it. Every offset is counted from the first byte of the frame (the destination MAC), so
 * pushing a tag in front moves the layers and {@link #frameStart()} but not the buffer.
 *
 * <p>Only native segments are ever wrapped: one kind of segment keeps each access a single machine load.
 *
 * <p>Threads: owned by one thread from receive to send; reused for the next frame afterwards.
 */
public final class Packet {
    /**
     * Largest frame that a port may deliver: a 64 KiB super-frame of the kernel (GSO) with Ethernet header and VLAN
     * tags.
     */
    public static final int MAX_FRAME_BYTES = 65_536 + 14 + 8;
    /** Free bytes kept before a received frame, for tags and encapsulations. */
    public static final int HEADROOM_BYTES = 128;
    /** "This layer is not there (or not whole)". */
    public static final int ABSENT = -1;

    /** The {@link #packetType} of Ethernet frames. */
    public static final int ETHERNET = 0;
    /** Of packets that begin with something that is not known. */
    public static final int UNKNOWN_TYPE = -1;

    private static final int ETHER_TYPE_NAMESPACE = 1 << 16;

    private static final ValueLayout.OfShort U16 = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(BIG_ENDIAN);
    private static final ValueLayout.OfInt U32 = ValueLayout.JAVA_INT_UNALIGNED.withOrder(BIG_ENDIAN);
    private static final ValueLayout.OfLong U64 = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(BIG_ENDIAN);

    private final MemorySegment buffer;
    private int frameStart;
    private int lengthBytes;

    // Layers, set by PacketParser and moved by pushHeader/popHeader.
    private int packetType;
    private int payloadOffset;
    private int l3Offset = ABSENT;
    private int l4Offset = ABSENT;
    private int etherType;
    private int vlanTci;
    private int innerVlanTci;
    private boolean tagsChanged;
    private int ipProtocol;
    private int l3EndOffset;
    private FragmentKind fragment = FragmentKind.NONE;
    private boolean reassembled;
    private ChecksumState checksumState = ChecksumState.UNVERIFIED;
    private int checksumStart;
    private int checksumField;
    private int segmentBytes;

    // Metadata of the walk.
    private int inPort;
    private int recirculationId;
    private int mark;
    private int priority;
    private int datapathHash;
    private int ctState;
    private int ctZone;
    private int ctMark;
    private long ctLabelHigh;
    private long ctLabelLow;
    private long ctConnection;
    private final OriginalTuple ctOriginal = new OriginalTuple();
    private int batchIndex;

    /** Whether the packet is a fragment, as {@code ip_frag} of ovs-fields(7) tells. */
    public enum FragmentKind {
        NONE,
        FIRST,
        LATER
    }

    /** What is known of the transport checksum. */
    public enum ChecksumState {
        /** Nobody looked yet. */
        UNVERIFIED,
        /** Verified, by us or by the hardware it came through. */
        GOOD,
        /** Verified and wrong. */
        BAD,
        /**
         * SCTP: verified, and zero in place of another sum, as a sender may write it whose receiver has said that this
         * will do (RFC 9653): whether it has knows who tracks the association.
         */
        ZERO,
        /** The local sender left it to be filled in ({@code CHECKSUM_PARTIAL}); must be completed before it leaves. */
        PARTIAL
    }

    /**
     * The original direction's tuple of the connection that the last {@code ct()} found (ct_nw_src … of ovs-fields(7)).
     * Addresses are two longs, an IPv4 address stands in the low 32 bits of {@code …Low}. All zero if there is none.
     */
    public static final class OriginalTuple {
        public long sourceHigh;
        public long sourceLow;
        public long destinationHigh;
        public long destinationLow;
        public int sourcePort;
        public int destinationPort;
        public int protocol;
        public boolean ipv6;

        public void clear() {
            sourceHigh = sourceLow = destinationHigh = destinationLow = 0;
            sourcePort = destinationPort = protocol = 0;
            ipv6 = false;
        }

        void copyFrom(OriginalTuple other) {
            sourceHigh = other.sourceHigh;
            sourceLow = other.sourceLow;
            destinationHigh = other.destinationHigh;
            destinationLow = other.destinationLow;
            sourcePort = other.sourcePort;
            destinationPort = other.destinationPort;
            protocol = other.protocol;
            ipv6 = other.ipv6;
        }
    }

    /** Wraps a native buffer of at least {@link #HEADROOM_BYTES} bytes; the packet is empty until {@link #reset}. */
    public Packet(MemorySegment buffer) {
        if (!buffer.isNative()) {
            throw new IllegalArgumentException("packet buffers are native memory");
        }
        this.buffer = buffer;
        this.frameStart = HEADROOM_BYTES;
    }

    /** A packet with a buffer of its own, for tests and control paths; freed by the garbage collector. */
    public static Packet copyOf(byte[] frame) {
        Packet packet = new Packet(Arena.ofAuto().allocate(HEADROOM_BYTES + frame.length + 64L, 64));
        packet.reset(frame.length);
        MemorySegment.copy(frame, 0, packet.buffer, ValueLayout.JAVA_BYTE, packet.frameStart, frame.length);
        return packet;
    }

    /** Makes this an unparsed frame of {@code lengthBytes} bytes after the headroom, all metadata cleared. */
    public void reset(int lengthBytes) {
        if (lengthBytes < 0 || HEADROOM_BYTES + (long) lengthBytes > buffer.byteSize()) {
            throw new IllegalArgumentException("frame of " + lengthBytes + " bytes does not fit the buffer");
        }
        this.frameStart = HEADROOM_BYTES;
        this.lengthBytes = lengthBytes;
        packetType = ETHERNET;
        clearLayers();
        reassembled = false;
        checksumState = ChecksumState.UNVERIFIED;
        segmentBytes = 0;
        inPort = 0;
        recirculationId = 0;
        mark = 0;
        priority = 0;
        datapathHash = 0;
        clearConntrack();
    }

    /** Forgets the layers; the parser calls this before it fills them in again. */
    void clearLayers() {
        payloadOffset = 0;
        l3Offset = ABSENT;
        l4Offset = ABSENT;
        etherType = 0;
        vlanTci = 0;
        innerVlanTci = 0;
        tagsChanged = false;
        ipProtocol = 0;
        l3EndOffset = 0;
        fragment = FragmentKind.NONE;
    }

    /** Forgets what {@code ct()} said: the packet is untracked again ({@code ct_clear}). */
    public void clearConntrack() {
        ctState = 0;
        ctZone = 0;
        ctMark = 0;
        ctLabelHigh = 0;
        ctLabelLow = 0;
        ctConnection = 0;
        ctOriginal.clear();
    }

    /** Takes over bytes, layers and metadata of {@code other}; for clones that leave the batch. */
    public void copyFrom(Packet other) {
        reset(other.lengthBytes);
        MemorySegment.copy(other.buffer, other.frameStart, buffer, frameStart, other.lengthBytes);
        packetType = other.packetType;
        payloadOffset = other.payloadOffset;
        l3Offset = other.l3Offset;
        l4Offset = other.l4Offset;
        etherType = other.etherType;
        vlanTci = other.vlanTci;
        innerVlanTci = other.innerVlanTci;
        tagsChanged = other.tagsChanged;
        ipProtocol = other.ipProtocol;
        l3EndOffset = other.l3EndOffset;
        fragment = other.fragment;
        reassembled = other.reassembled;
        checksumState = other.checksumState;
        checksumStart = other.checksumStart;
        checksumField = other.checksumField;
        segmentBytes = other.segmentBytes;
        copyMetadata(other);
    }

    /** Takes over all that goes with {@code other} without being in the frame. */
    public void copyMetadata(Packet other) {
        inPort = other.inPort;
        recirculationId = other.recirculationId;
        mark = other.mark;
        priority = other.priority;
        datapathHash = other.datapathHash;
        copyConntrack(other);
    }

    /** Takes over what {@code ct()} said of {@code other}. */
    public void copyConntrack(Packet other) {
        ctState = other.ctState;
        ctZone = other.ctZone;
        ctMark = other.ctMark;
        ctLabelHigh = other.ctLabelHigh;
        ctLabelLow = other.ctLabelLow;
        ctConnection = other.ctConnection;
        ctOriginal.copyFrom(other.ctOriginal);
    }

    // ---- bytes ----

    /** The whole buffer, headroom included; the frame is {@code [frameStart, frameStart + lengthBytes)}. */
    public MemorySegment buffer() {
        return buffer;
    }

    public int frameStart() {
        return frameStart;
    }

    public int lengthBytes() {
        return lengthBytes;
    }

    /** Shortens the frame (for example to cut trailing bytes); never lengthens it. */
    public void truncate(int lengthBytes) {
        if (lengthBytes < 0 || lengthBytes > this.lengthBytes) {
            throw new IllegalArgumentException("cannot truncate " + this.lengthBytes + " to " + lengthBytes);
        }
        this.lengthBytes = lengthBytes;
    }

    public int u8(int offset) {
        return buffer.get(ValueLayout.JAVA_BYTE, frameStart + offset) & 0xff;
    }

    public int u16(int offset) {
        return buffer.get(U16, frameStart + offset) & 0xffff;
    }

    /** 32 bits as they stand; compare unsigned. */
    public int u32(int offset) {
        return buffer.get(U32, frameStart + offset);
    }

    /** 48 bits in the low end of a long: a MAC address. */
    public long u48(int offset) {
        return ((long) u16(offset) << 32) | (u32(offset + 2) & 0xffff_ffffL);
    }

    public long u64(int offset) {
        return buffer.get(U64, frameStart + offset);
    }

    public void putU8(int offset, int value) {
        buffer.set(ValueLayout.JAVA_BYTE, frameStart + offset, (byte) value);
    }

    public void putU16(int offset, int value) {
        buffer.set(U16, frameStart + offset, (short) value);
    }

    public void putU32(int offset, int value) {
        buffer.set(U32, frameStart + offset, value);
    }

    public void putU48(int offset, long value) {
        putU16(offset, (int) (value >>> 32));
        putU32(offset + 2, (int) value);
    }

    public void putU64(int offset, long value) {
        buffer.set(U64, frameStart + offset, value);
    }

    /** Overwrites {@code sizeBytes} bytes at offset {@code at} with those of {@code source} at {@code from}. */
    public void putBytes(int at, Packet source, int from, int sizeBytes) {
        if ((at | from | sizeBytes) < 0 || at + sizeBytes > lengthBytes || from + sizeBytes > source.lengthBytes) {
            throw new IllegalArgumentException("bytes outside of the frame");
        }
        MemorySegment.copy(source.buffer, source.frameStart + from, buffer, frameStart + at, sizeBytes);
    }

    /** Lengthens the frame by {@code sizeBytes} bytes of {@code source} at {@code from}; layers stay as they are. */
    public void append(Packet source, int from, int sizeBytes) {
        if (frameStart + (long) lengthBytes + sizeBytes > buffer.byteSize()) {
            throw new IllegalArgumentException(
                    "frame of " + (lengthBytes + sizeBytes) + " bytes does not fit the buffer");
        }
        int at = lengthBytes;
        lengthBytes += sizeBytes;
        putBytes(at, source, from, sizeBytes);
    }

    /** The frame's bytes as a new array; control paths and tests only. */
    public byte[] toBytes() {
        byte[] copy = new byte[lengthBytes];
        MemorySegment.copy(buffer, ValueLayout.JAVA_BYTE, frameStart, copy, 0, lengthBytes);
        return copy;
    }

    /**
     * Opens a gap of {@code sizeBytes} in front of offset {@code at} by moving what is before it into the headroom.
     * Layers at or after {@code at} move back by that much.
     *
     * @return false, with nothing changed, if the headroom is used up
     */
    public boolean insertBytes(int at, int sizeBytes) {
        if (sizeBytes > frameStart) {
            return false;
        }
        MemorySegment.copy(buffer, frameStart, buffer, frameStart - sizeBytes, at);
        frameStart -= sizeBytes;
        lengthBytes += sizeBytes;
        moveLayers(at, sizeBytes);
        return true;
    }

    /** Removes {@code sizeBytes} bytes at offset {@code at} by moving what is before them. */
    public void removeBytes(int at, int sizeBytes) {
        MemorySegment.copy(buffer, frameStart, buffer, frameStart + sizeBytes, at);
        frameStart += sizeBytes;
        lengthBytes -= sizeBytes;
        moveLayers(at, -sizeBytes);
    }

    private void moveLayers(int at, int byBytes) {
        payloadOffset = payloadOffset >= at ? payloadOffset + byBytes : payloadOffset;
        l3Offset = l3Offset >= at ? l3Offset + byBytes : l3Offset;
        l4Offset = l4Offset >= at ? l4Offset + byBytes : l4Offset;
        l3EndOffset = l3EndOffset >= at ? l3EndOffset + byBytes : l3EndOffset;
        checksumStart = checksumStart >= at ? checksumStart + byBytes : checksumStart;
        checksumField = checksumField >= at ? checksumField + byBytes : checksumField;
    }

    // ---- layers ----

    /** Sets what the parser found; see the accessors for the meaning of each. */
    void layers(int etherType, int vlanTci, int l3Offset, int l3EndOffset) {
        this.etherType = etherType;
        this.vlanTci = vlanTci;
        this.l3Offset = l3Offset;
        this.l3EndOffset = l3EndOffset;
    }

    void transport(int ipProtocol, FragmentKind fragment, int l4Offset) {
        this.ipProtocol = ipProtocol;
        this.fragment = fragment;
        this.l4Offset = l4Offset;
    }

    /** The payload's type and layers are forgotten, as if its type were this one and nothing known of that. */
    void forgetPayload(int type) {
        etherType = type;
        l3Offset = ABSENT;
        l4Offset = ABSENT;
        l3EndOffset = lengthBytes;
        ipProtocol = 0;
        fragment = FragmentKind.NONE;
    }

    /**
     * What the packet begins with, as packet_type of ovs-fields(7) has it: {@link #ETHERNET}, as all that ports
     * receive, or {@link #typeOf} an Ethernet type, without Ethernet in front.
     */
    public int packetType() {
        return packetType;
    }

    /** Called after a header was put in front or taken off; the packet is to be parsed anew. */
    public void setPacketType(int type) {
        packetType = type;
    }

    /** The {@link #packetType} of what Ethernet would call by that type. */
    public static int typeOf(int etherType) {
        return ETHER_TYPE_NAMESPACE | etherType;
    }

    /** Where the payload of Ethernet begins: behind the tags that were looked at. Two bytes before stands its type. */
    public int payloadOffset() {
        return payloadOffset;
    }

    /** Called by the parser, and after something was put in front of the payload that belongs to it. */
    public void setPayloadOffset(int offset) {
        payloadOffset = offset;
    }

    /** The Ethernet type behind any VLAN tag; below 0x600 frames (802.2) carry 0x05ff as in ovs-fields(7). */
    public int etherType() {
        return etherType;
    }

    /** The outer VLAN tag's TCI with bit 0x1000 set if there is a tag, 0 if there is none (vlan_tci). */
    public int vlanTci() {
        return vlanTci;
    }

    /** The TCI of the tag behind the outer one, as {@link #vlanTci}; 0 if there is none, or nobody looked for it. */
    public int innerVlanTci() {
        return innerVlanTci;
    }

    /** Called by the parser, and after the outer tag was rewritten in the bytes. */
    public void setVlan(int outerTci, int innerTci) {
        vlanTci = outerTci;
        innerVlanTci = innerTci;
    }

    /**
     * Called after a tag was pushed or popped in the bytes: layers stay known, however many tags are before them, until
     * the packet is {@linkplain #hasChangedTags parsed anew}.
     */
    public void setChangedTags(int outerTci, int innerTci) {
        setVlan(outerTci, innerTci);
        tagsChanged = true;
    }

    /** Whether tags were pushed or popped since it was parsed. */
    public boolean hasChangedTags() {
        return tagsChanged;
    }

    /** Start of the IPv4, IPv6 or ARP header, {@link #ABSENT} if there is none or its fixed part is not whole. */
    public int l3Offset() {
        return l3Offset;
    }

    /** One past the last byte that the network header claims; bytes behind it are Ethernet padding. */
    public int l3EndOffset() {
        return l3EndOffset;
    }

    /** Start of the transport header; {@link #ABSENT} for later fragments and for what is too short to have one. */
    public int l4Offset() {
        return l4Offset;
    }

    /** IPv4 protocol or last IPv6 next header; 0 if not IP. */
    public int ipProtocol() {
        return ipProtocol;
    }

    public FragmentKind fragment() {
        return fragment;
    }

    /** The packet is a datagram that was put together from fragments; {@link #fragment()} is none then. */
    public boolean isReassembled() {
        return reassembled;
    }

    /** Says that the packet was put together from fragments; to be called once its bytes are there. */
    public void setReassembled() {
        reassembled = true;
    }

    public ChecksumState checksumState() {
        return checksumState;
    }

    public void setChecksumState(ChecksumState state) {
        this.checksumState = state;
    }

    /** Says that the sum over {@code [start, end of frame)} is still to be written at {@code field}. */
    public void setPartialChecksum(int start, int field) {
        checksumState = ChecksumState.PARTIAL;
        checksumStart = start;
        checksumField = field;
    }

    /** Meaningful for {@link ChecksumState#PARTIAL} only. */
    public int checksumStart() {
        return checksumStart;
    }

    /** Meaningful for {@link ChecksumState#PARTIAL} only. */
    public int checksumField() {
        return checksumField;
    }

    /**
     * 0 for an ordinary frame. Otherwise the frame stands for many: its transport payload (TCP, or UDP datagrams) is to
     * be cut into pieces of this many bytes before it meets a real wire (the kernel's GSO). Such a frame's transport
     * checksum is always {@link ChecksumState#PARTIAL}.
     */
    public int segmentBytes() {
        return segmentBytes;
    }

    public void setSegmentBytes(int segmentBytes) {
        this.segmentBytes = segmentBytes;
    }

    // ---- metadata ----

    /** Datapath port number that the frame came in by. */
    public int inPort() {
        return inPort;
    }

    public void setInPort(int port) {
        this.inPort = port;
    }

    /** Where in its batch the frame came in, for who keeps something beside each; only what that one has set. */
    public int batchIndex() {
        return batchIndex;
    }

    public void setBatchIndex(int index) {
        this.batchIndex = index;
    }

    /** 0 on the first pass, else the id of the frozen rest of the pipeline. */
    public int recirculationId() {
        return recirculationId;
    }

    public void setRecirculationId(int id) {
        this.recirculationId = id;
    }

    /** The packet mark (pkt_mark, skb_mark): rules hand it from one to the next; not part of the frame. */
    public int mark() {
        return mark;
    }

    public void setMark(int mark) {
        this.mark = mark;
    }

    /** The queueing priority (skb_priority); not part of the frame. */
    public int priority() {
        return priority;
    }

    public void setPriority(int priority) {
        this.priority = priority;
    }

    /** The hash that a datapath action has given the packet (dp_hash); 0 before that, and not part of the frame. */
    public int datapathHash() {
        return datapathHash;
    }

    public void setDatapathHash(int hash) {
        datapathHash = hash;
    }

    /** Bits of {@code io.turnstile.conntrack.CtState}; 0 while untracked. */
    public int ctState() {
        return ctState;
    }

    public int ctZone() {
        return ctZone;
    }

    public int ctMark() {
        return ctMark;
    }

    public long ctLabelHigh() {
        return ctLabelHigh;
    }

    public long ctLabelLow() {
        return ctLabelLow;
    }

    /** Id of the connection that the last {@code ct()} found or made, so that the next one need not look; 0 if none. */
    public long ctConnection() {
        return ctConnection;
    }

    public void setCtConnection(long connectionId) {
        this.ctConnection = connectionId;
    }

    public OriginalTuple ctOriginal() {
        return ctOriginal;
    }

    /** Writes what {@code ct()} found; the original tuple is filled in place through {@link #ctOriginal()}. */
    public void setConntrack(int state, int zone, int mark, long labelHigh, long labelLow) {
        this.ctState = state;
        this.ctZone = zone;
        this.ctMark = mark;
        this.ctLabelHigh = labelHigh;
        this.ctLabelLow = labelLow;
    }
}
