package io.turnstile.offload.provider.ebpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static io.turnstile.bpf.asm.Register.R10;
import static io.turnstile.bpf.asm.Register.R2;
import static io.turnstile.bpf.asm.Register.R3;
import static io.turnstile.bpf.asm.Register.R4;
import static io.turnstile.bpf.asm.Register.R5;
import static io.turnstile.bpf.asm.Register.R6;
import static io.turnstile.bpf.asm.Register.R7;
import static io.turnstile.bpf.asm.Register.R8;
import static io.turnstile.bpf.asm.Register.R9;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.AtomicOp;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.HelperFlags;
import io.turnstile.bpf.asm.Size;

/**
 * What the programs that find a frame's path have in common, step by step, however they get at the frame: they parse
 * it, find its {@link PathValue}, compare it with the guard, and write its headers anew in this CPU's {@link Slot}.
 *
 * <p>Frames that are not to be carried go to one of three labels: {@code show} before anything was done, {@code up}
 * once the slot's state is odd, {@code guarded} if there was a path and its guard or size failed.
 *
 * <p>Registers: R6 the context, R7 the slot, R8 the path once it is found, R9 the length of all headers and, from
 * {@link #rewrite} on, flags.
 */
final class PathSteps {
    /** MF and the offset; DF may be set. */
    private static final int IS_FRAGMENT = 0x3fff;

    private static final int VERSION_4_NO_OPTIONS = 0x45;
    private static final int TCP_FIN_SYN_RST = 0x07;
    private static final int WORD_MASK = 0xffff;
    static final int TAG_IS_PRESENT = 0x1000;

    // The stack, from the frame pointer down; what is below KEY belongs to the FrameAccess.
    private static final int CPU = -4;
    /** Two bytes: the TCP header's data offset and flags. */
    static final int TCP_WORD = -8;
    /** Where the transport's checksum is in a frame without tag. */
    static final int CHECKSUM_AT = -12;

    static final int CHECKSUM_FLAGS = -16;
    /** The tag that the frame came with, as {@link io.turnstile.offload.spi.HeaderField#VLAN_TCI}; 0: none. */
    static final int TAG = -20;

    static final int KEY = -72;
    /** Below this the stack is the FrameAccess's. */
    static final int STACK_USED = KEY;

    private final Assembler code;
    private final FrameAccess frame;

    PathSteps(Assembler code, FrameAccess frame) {
        this.code = code;
        this.frame = frame;
    }

    /** All of it; what follows has the label {@code rewritten}. */
    void findAndRewrite(int slotsFd, int pathsFd, long pauseNs) {
        enter(slotsFd);
        parseIpv4();
        parseIpv6();
        findPath(pathsFd);
        checkGuard();
        checkSize();
        awaitPause(pauseNs);
        rewrite();
    }

    private void enter(int slotsFd) {
        code.mov(R6, R1);
        frame.ignoreOthers();
        code.call(Helper.GET_SMP_PROCESSOR_ID)
                .store(Size.U32, R10, CPU, R0)
                .loadMap(R1, slotsFd)
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, CPU)
                .call(Helper.MAP_LOOKUP_ELEM)
                .jump(Condition.EQ, R0, 0, "show")
                .mov(R7, R0)
                .comment("odd, and another one than before; a full barrier before the path is looked up")
                .load(Size.U64, R1, R7, Slot.STATE)
                .alu(AluOp.ADD, R1, 1)
                .alu(AluOp.OR, R1, 1)
                .atomic(AtomicOp.EXCHANGE, Size.U64, R7, Slot.STATE, R1)
                .store(Size.U32, R7, Slot.INGRESS, 0);
        frame.begin();
        code.jump(Condition.EQ, R1, Wire.u16(Frame.ETHERTYPE_IPV6), "ipv6")
                .jump(Condition.NE, R1, Wire.u16(Frame.ETHERTYPE_IPV4), "up");
    }

    private void parseIpv4() {
        frame.copyHeader(Frame.IPV4_TRANSPORT + Frame.UDP_HEADER_BYTES);
        code.load(Size.U8, R1, R7, Slot.HEADER + Frame.IP)
                .jump(Condition.NE, R1, VERSION_4_NO_OPTIONS, "up")
                .load(Size.U16, R1, R7, Slot.HEADER + Frame.IPV4_FRAGMENT)
                .jump(Condition.SET, R1, Wire.u16(IS_FRAGMENT), "up")
                .load(Size.U8, R1, R7, Slot.HEADER + Frame.IPV4_TTL)
                .jump(Condition.LE, R1, 1, "up")
                .comment("what the header says of its length, without the IP header")
                .load(Size.U16, R8, R7, Slot.HEADER + Frame.IPV4_LENGTH)
                .toBigEndian(Size.U16, R8)
                .jump(Condition.LT, R8, Frame.IPV4_HEADER_BYTES, "up")
                .alu(AluOp.SUB, R8, Frame.IPV4_HEADER_BYTES)
                .load(Size.U8, R9, R7, Slot.HEADER + Frame.IPV4_PROTOCOL);
        beginKey(4);
        code.load(Size.U32, R1, R7, Slot.HEADER + Frame.IPV4_SOURCE)
                .store(Size.U32, R10, KEY + PathKey.SOURCE, R1)
                .load(Size.U32, R1, R7, Slot.HEADER + Frame.IPV4_DESTINATION)
                .store(Size.U32, R10, KEY + PathKey.DESTINATION, R1)
                .load(Size.U32, R1, R7, Slot.HEADER + Frame.IPV4_TRANSPORT)
                .store(Size.U32, R10, KEY + PathKey.PORTS, R1);
        parseTransport(Frame.IPV4_TRANSPORT);
    }

    private void parseIpv6() {
        code.label("ipv6");
        frame.copyHeader(Frame.IPV6_TRANSPORT + Frame.UDP_HEADER_BYTES);
        code.load(Size.U8, R1, R7, Slot.HEADER + Frame.IP)
                .alu(AluOp.RSH, R1, 4)
                .jump(Condition.NE, R1, 6, "up")
                .load(Size.U8, R1, R7, Slot.HEADER + Frame.IPV6_TTL)
                .jump(Condition.LE, R1, 1, "up")
                .load(Size.U16, R8, R7, Slot.HEADER + Frame.IPV6_LENGTH)
                .toBigEndian(Size.U16, R8)
                .load(Size.U8, R9, R7, Slot.HEADER + Frame.IPV6_PROTOCOL);
        beginKey(6);
        for (int at = 0; at < 2 * 16; at += Integer.BYTES) {
            code.load(Size.U32, R1, R7, Slot.HEADER + Frame.IPV6_SOURCE + at)
                    .store(Size.U32, R10, KEY + PathKey.SOURCE + at, R1);
        }
        code.load(Size.U32, R1, R7, Slot.HEADER + Frame.IPV6_TRANSPORT).store(Size.U32, R10, KEY + PathKey.PORTS, R1);
        parseTransport(Frame.IPV6_TRANSPORT);
    }

    private void beginKey(int version) {
        frame.loadIfindex(R1);
        code.store(Size.U32, R10, KEY + PathKey.IFINDEX, R1)
                .store(Size.U32, R10, KEY + PathKey.PROTOCOL, 0)
                .store(Size.U8, R10, KEY + PathKey.PROTOCOL, R9)
                .store(Size.U8, R10, KEY + PathKey.VERSION, version);
        if (version == 4) {
            for (int at = PathKey.SOURCE; at < PathKey.PORTS; at += Long.BYTES) {
                code.store(Size.U64, R10, KEY + at, 0);
            }
        }
    }

    /** R8: length of the transport's part as the IP header says it; R9: the protocol, afterwards length of headers. */
    private void parseTransport(int transport) {
        String udp = code.freshLabel("udp");
        String sized = code.freshLabel("sized");
        code.comment("all that it says has to be there");
        frame.loadLength(R2);
        code.mov(R1, R8)
                .alu(AluOp.ADD, R1, transport)
                .jump(Condition.GT, R1, R2, "up")
                .jump(Condition.EQ, R9, Frame.UDP, udp)
                .jump(Condition.NE, R9, Frame.TCP, "up")
                .comment("data offset and flags, which a short frame does not have");
        frame.copyTcpWord(transport);
        code.load(Size.U8, R1, R10, TCP_WORD + 1)
                .jump(Condition.SET, R1, TCP_FIN_SYN_RST, "up")
                .load(Size.U8, R9, R10, TCP_WORD)
                .alu(AluOp.RSH, R9, 4)
                .alu(AluOp.LSH, R9, 2)
                .jump(Condition.LT, R9, Frame.TCP_HEADER_BYTES, "up")
                .jump(Condition.GT, R9, R8, "up")
                .store(Size.U32, R10, CHECKSUM_AT, transport + Frame.TCP_CHECKSUM)
                .store(Size.U32, R10, CHECKSUM_FLAGS, 0)
                .goTo(sized)
                .label(udp)
                .load(Size.U16, R1, R7, Slot.HEADER + transport + Frame.UDP_LENGTH)
                .toBigEndian(Size.U16, R1)
                .jump(Condition.NE, R1, R8, "up")
                .mov(R9, Frame.UDP_HEADER_BYTES)
                .jump(Condition.LT, R1, R9, "up")
                .store(Size.U32, R10, CHECKSUM_AT, transport + Frame.UDP_CHECKSUM)
                .store(Size.U32, R10, CHECKSUM_FLAGS, HelperFlags.MARK_MANGLED_0)
                .label(sized)
                .alu(AluOp.ADD, R9, transport);
        frame.checkTransport(transport);
        if (transport == Frame.IPV4_TRANSPORT) {
            code.goTo("find");
        }
    }

    private void findPath(int pathsFd) {
        code.label("find")
                .loadMap(R1, pathsFd)
                .mov(R2, R10)
                .alu(AluOp.ADD, R2, KEY)
                .call(Helper.MAP_LOOKUP_ELEM)
                .jump(Condition.EQ, R0, 0, "up")
                .mov(R8, R0);
        frame.checkPath();
    }

    private void checkGuard() {
        for (int word = 0; word < PathValue.GUARD_WORDS; word++) {
            int value = PathValue.GUARD + word * 2 * Long.BYTES;
            code.load(Size.U64, R1, R7, Slot.HEADER + word * Long.BYTES)
                    .load(Size.U64, R2, R8, value + Long.BYTES)
                    .alu(AluOp.AND, R1, R2)
                    .load(Size.U64, R2, R8, value)
                    .jump(Condition.NE, R1, R2, "guarded");
        }
        code.comment("R3: the tag as the guard has it, 0 without one");
        frame.loadTag(R3);
        code.load(Size.U16, R1, R8, PathValue.GUARD_TAG_MASK)
                .alu(AluOp.AND, R1, R3)
                .load(Size.U16, R2, R8, PathValue.GUARD_TAG_VALUE)
                .jump(Condition.NE, R1, R2, "guarded");
    }

    /** Whether the frame, or each of its segments, fits the egress device; and how many segments there are. */
    private void checkSize() {
        frame.loadLength(R4);
        code.load(Size.U32, R2, R8, PathValue.MAX_FRAME_BYTES);
        frame.countSegments();
        code.store(Size.U32, R7, Slot.PACKETS, R5)
                .comment("R4: bytes on the wire, where each segment has the headers, and the tag")
                .mov(R1, R5)
                .alu(AluOp.SUB, R1, 1)
                .alu(AluOp.MUL, R1, R9)
                .alu(AluOp.ADD, R4, R1)
                .load(Size.U32, R1, R10, TAG)
                .jump(Condition.EQ, R1, 0, "untagged")
                .alu(AluOp.LSH, R5, 2)
                .alu(AluOp.ADD, R4, R5)
                .label("untagged")
                .store(Size.U64, R7, Slot.WIRE_BYTES, R4);
    }

    /** Shows frames that follow too closely on others that software has not sent on yet, which they would overtake. */
    private void awaitPause(long pauseNs) {
        code.load(Size.U64, R1, R8, PathValue.STARTS_NS)
                .jump(Condition.EQ, R1, 0, "started")
                .call(Helper.KTIME_GET_NS)
                .load(Size.U64, R1, R8, PathValue.STARTS_NS)
                .jump(Condition.GE, R0, R1, "starts")
                .mov(R1, R0)
                .alu(AluOp.RSH, R1, PathValue.LATEST_SHIFT)
                .load(Size.U32, R2, R8, PathValue.STARTS_LATEST)
                .alu32(AluOp.SUB, R1, R2)
                .jump32(Condition.SIGNED_GE, R1, 0, "starts")
                .alu(AluOp.ADD, R0, pauseNs)
                .store(Size.U64, R8, PathValue.STARTS_NS, R0)
                .goTo("up")
                .label("starts")
                .store(Size.U64, R8, PathValue.STARTS_NS, 0)
                .label("started");
    }

    /** Writes into the slot's copy of the header; R9: flags, R5: the sum over what changes in the IP header. */
    private void rewrite() {
        code.load(Size.U16, R9, R8, PathValue.FLAGS)
                .jump(Condition.SET, R9, Flag.SET_ETH_DST, "eth_dst")
                .label("eth_dst done")
                .jump(Condition.SET, R9, Flag.SET_ETH_SRC, "eth_src")
                .label("eth_src done")
                .mov(R5, 0)
                .jump(Condition.SET, R9, Flag.SET_FIRST_WORD, "first word")
                .label("first word done")
                .jump(Condition.SET, R9, Flag.SET_PORTS, "ports")
                .label("ports done")
                .jump(Condition.SET, R9, Flag.IPV6, "rewrite ipv6");
        rewriteTtl(Frame.IPV4_TTL);
        code.jump(Condition.SET, R9, Flag.SET_ADDRESSES, "ipv4 addresses")
                .label("ipv4 addresses done")
                .jump(Condition.SET, R9, Flag.IP_CHANGES, "ipv4 checksum")
                .goTo("rewritten")
                .label("rewrite ipv6");
        rewriteTtl(Frame.IPV6_TTL);
        code.jump(Condition.SET, R9, Flag.SET_ADDRESSES, "ipv6 addresses")
                .label("ipv6 addresses done")
                .comment("to 32 bits, as the kernel adds sums");
        fold(32);
        fold(32);
        code.store(Size.U32, R7, Slot.HEADER_DIFFERENCE, R5).goTo("rewritten");

        copyMac("eth_dst", Frame.ETH_DST, PathValue.ETH_DST);
        copyMac("eth_src", Frame.ETH_SRC, PathValue.ETH_SRC);
        code.label("first word")
                .load(Size.U32, R1, R7, Slot.HEADER + Frame.IP)
                .load(Size.U32, R2, R8, PathValue.FIRST_WORD_MASK)
                .mov(R3, R1)
                .alu32(AluOp.XOR, R2, -1)
                .alu(AluOp.AND, R3, R2)
                .load(Size.U32, R2, R8, PathValue.FIRST_WORD_VALUE)
                .alu(AluOp.OR, R3, R2)
                .store(Size.U32, R7, Slot.HEADER + Frame.IP, R3);
        addDifference();
        code.goTo("first word done").label("ports").load(Size.U32, R1, R8, PathValue.PORTS);
        code.jump(Condition.SET, R9, Flag.IPV6, "ipv6 ports")
                .store(Size.U32, R7, Slot.HEADER + Frame.IPV4_TRANSPORT, R1)
                .goTo("ports done")
                .label("ipv6 ports")
                .store(Size.U32, R7, Slot.HEADER + Frame.IPV6_TRANSPORT, R1)
                .goTo("ports done");
        code.label("ipv4 addresses");
        copyAddressWord(PathValue.SOURCE, Frame.IPV4_SOURCE);
        copyAddressWord(PathValue.DESTINATION, Frame.IPV4_DESTINATION);
        code.load(Size.U16, R1, R8, PathValue.ADDRESS_DIFFERENCE)
                .alu(AluOp.ADD, R5, R1)
                .goTo("ipv4 addresses done");
        code.label("ipv6 addresses");
        for (int at = 0; at < 16; at += Integer.BYTES) {
            copyAddressWord(PathValue.SOURCE + at, Frame.IPV6_SOURCE + at);
            copyAddressWord(PathValue.DESTINATION + at, Frame.IPV6_DESTINATION + at);
        }
        code.load(Size.U16, R1, R8, PathValue.ADDRESS_DIFFERENCE)
                .alu(AluOp.ADD, R5, R1)
                .goTo("ipv6 addresses done");
        code.label("ipv4 checksum")
                .comment("RFC 1624: what was wrong before stays wrong")
                .load(Size.U16, R1, R7, Slot.HEADER + Frame.IPV4_CHECKSUM)
                .alu32(AluOp.XOR, R1, WORD_MASK)
                .alu(AluOp.ADD, R5, R1);
        fold(16);
        fold(16);
        fold(16);
        code.alu32(AluOp.XOR, R5, WORD_MASK)
                .store(Size.U16, R7, Slot.HEADER + Frame.IPV4_CHECKSUM, R5)
                .goTo("rewritten");
    }

    /** The TTL stands in the upper or the lower half of a 16-bit word of the header. */
    private void rewriteTtl(int ttl) {
        String same = code.freshLabel("same ttl");
        int word = ttl & ~1;
        code.comment("the TTL")
                .jump(Condition.SET, R9, Flag.SET_TTL, same + " no")
                .goTo(same)
                .label(same + " no")
                .load(Size.U16, R1, R7, Slot.HEADER + word)
                .load(Size.U8, R2, R8, PathValue.TTL)
                .store(Size.U8, R7, Slot.HEADER + ttl, R2)
                .load(Size.U16, R3, R7, Slot.HEADER + word)
                .alu32(AluOp.XOR, R1, WORD_MASK)
                .alu(AluOp.ADD, R5, R1)
                .alu(AluOp.ADD, R5, R3)
                .label(same);
    }

    /** Adds what it means that a word of 32 bits was R1 and is R3. */
    private void addDifference() {
        code.alu32(AluOp.XOR, R1, -1).alu(AluOp.ADD, R5, R1).alu(AluOp.ADD, R5, R3);
    }

    private void fold(int bits) {
        if (bits == 16) {
            code.mov(R1, R5).alu(AluOp.RSH, R1, bits).alu(AluOp.AND, R5, WORD_MASK);
        } else {
            code.mov(R1, R5).alu(AluOp.RSH, R1, bits).alu32(AluOp.MOV, R5, R5);
        }
        code.alu(AluOp.ADD, R5, R1);
    }

    private void copyMac(String label, int to, int from) {
        code.label(label)
                .load(Size.U32, R1, R8, from)
                .store(Size.U32, R7, Slot.HEADER + to, R1)
                .load(Size.U16, R1, R8, from + Integer.BYTES)
                .store(Size.U16, R7, Slot.HEADER + to + Integer.BYTES, R1)
                .goTo(label + " done");
    }

    private void copyAddressWord(int from, int to) {
        code.load(Size.U32, R1, R8, from).store(Size.U32, R7, Slot.HEADER + to, R1);
    }

    /**
     * Decides of the tag that a path may set: {@link Flag#POP_TAG} and {@link Flag#PUSH_TAG} in R9, and
     * {@link Slot#TAG}. Goes back to {@code tag done}.
     */
    void decideTag() {
        code.label("tag")
                .comment("R3: the tag that was, R1: the one that shall be")
                .load(Size.U32, R3, R10, TAG)
                .load(Size.U16, R2, R8, PathValue.SET_TAG_MASK)
                .alu(AluOp.XOR, R2, WORD_MASK)
                .mov(R1, R3)
                .alu(AluOp.AND, R1, R2)
                .load(Size.U16, R2, R8, PathValue.SET_TAG_VALUE)
                .alu(AluOp.OR, R1, R2)
                .jump(Condition.EQ, R1, R3, "tag done")
                .jump(Condition.EQ, R3, 0, "no tag")
                .alu(AluOp.OR, R9, Flag.POP_TAG)
                .label("no tag")
                .jump(Condition.SET, R1, TAG_IS_PRESENT, "push tag")
                .goTo("tag done")
                .label("push tag")
                .alu(AluOp.OR, R9, Flag.PUSH_TAG)
                .alu(AluOp.AND, R1, WORD_MASK & ~TAG_IS_PRESENT)
                .store(Size.U32, R7, Slot.TAG, R1)
                .goTo("tag done");
    }

    /** Copies a word of the path into the slot. */
    void copy(Size size, int from, int to) {
        code.load(size, R1, R8, from).store(Size.U32, R7, to, R1);
    }
}
