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

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.XdpMd;

/**
 * Frames as a driver has them, before there is a packet: tags stand in them, and nothing says whether the sender has
 * completed the transport's checksum. One that is the pseudo header's sum alone is taken for one that a device was to
 * complete, and the frame goes up, where that is known; so does one frame in 65536 that has this sum by chance.
 */
record XdpAccess(Assembler code) implements FrameAccess {
    // the stack below what PathSteps uses
    private static final int LENGTH = PathSteps.STACK_USED - 4;
    /** Which of {@link Flag#XDP} and {@link Flag#XDP_FRAGMENTS} the path needs for this frame. */
    private static final int NEEDED_FLAGS = PathSteps.STACK_USED - 8;

    private static final int TRANSPORT_CHECKSUM = PathSteps.STACK_USED - 12;
    private static final int ETHERTYPE = Frame.IP - Short.BYTES;
    static final int TAG_BYTES = 4;
    private static final int WORD_MASK = 0xffff;

    @Override
    public void ignoreOthers() {}

    @Override
    public void begin() {
        code.mov(R1, R6)
                .call(Helper.XDP_GET_BUFF_LEN)
                .load(Size.U32, R2, R6, XdpMd.DATA.offset())
                .load(Size.U32, R3, R6, XdpMd.DATA_END.offset())
                .mov(R1, R2)
                .alu(AluOp.ADD, R1, Frame.IP + TAG_BYTES)
                .jump(Condition.GT, R1, R3, "up")
                .mov(R4, R3)
                .alu(AluOp.SUB, R4, R2)
                .mov(R5, Flag.XDP)
                .jump(Condition.EQ, R4, R0, "one buffer")
                .mov(R5, Flag.XDP | Flag.XDP_FRAGMENTS)
                .label("one buffer")
                .store(Size.U32, R10, NEEDED_FLAGS, R5)
                .mov(R5, 0)
                .load(Size.U16, R1, R2, ETHERTYPE)
                .jump(Condition.NE, R1, Wire.u16(Frame.ETHERTYPE_VLAN), "no tag in it")
                .load(Size.U16, R5, R2, Frame.IP)
                .toBigEndian(Size.U16, R5)
                .alu(AluOp.OR, R5, PathSteps.TAG_IS_PRESENT)
                .load(Size.U16, R1, R2, ETHERTYPE + TAG_BYTES)
                .alu(AluOp.SUB, R0, TAG_BYTES)
                .label("no tag in it")
                .store(Size.U32, R10, PathSteps.TAG, R5)
                .store(Size.U32, R10, LENGTH, R0);
    }

    /** R2: the frame from behind its tag on, less the 12 bytes before that; {@code up} if it has not so many bytes. */
    private void behindTag(int bytes) {
        String untagged = code.freshLabel("untagged");
        code.load(Size.U32, R2, R6, XdpMd.DATA.offset())
                .load(Size.U32, R3, R6, XdpMd.DATA_END.offset())
                .load(Size.U32, R4, R10, PathSteps.TAG)
                .jump(Condition.EQ, R4, 0, untagged)
                .alu(AluOp.ADD, R2, TAG_BYTES)
                .label(untagged)
                .mov(R1, R2)
                .alu(AluOp.ADD, R1, bytes)
                .jump(Condition.GT, R1, R3, "up");
    }

    @Override
    public void copyHeader(int bytes) {
        code.load(Size.U32, R2, R6, XdpMd.DATA.offset())
                .load(Size.U32, R3, R6, XdpMd.DATA_END.offset())
                .mov(R1, R2)
                .alu(AluOp.ADD, R1, ETHERTYPE)
                .jump(Condition.GT, R1, R3, "up");
        copy(code, R2, 0, R7, Slot.HEADER, ETHERTYPE);
        behindTag(bytes);
        copy(code, R2, ETHERTYPE, R7, Slot.HEADER + ETHERTYPE, bytes - ETHERTYPE);
    }

    /** Copies bytes by way of R1. */
    static void copy(Assembler code, Register from, int fromOffset, Register to, int toOffset, int bytes) {
        int at = 0;
        for (Size size : new Size[] {Size.U64, Size.U32, Size.U16}) {
            for (; bytes - at >= size.bytes(); at += size.bytes()) {
                code.load(size, R1, from, fromOffset + at).store(size, to, toOffset + at, R1);
            }
        }
        if (at != bytes) {
            throw new IllegalArgumentException("an odd number of bytes: " + bytes);
        }
    }

    @Override
    public void loadIfindex(Register into) {
        code.load(Size.U32, into, R6, XdpMd.INGRESS_IFINDEX.offset());
    }

    @Override
    public void loadLength(Register into) {
        code.load(Size.U32, into, R10, LENGTH);
    }

    @Override
    public void copyTcpWord(int transport) {
        behindTag(transport + Frame.TCP_HEADER_BYTES);
        code.load(Size.U16, R1, R2, transport + Frame.TCP_OFFSET_AND_FLAGS)
                .store(Size.U16, R10, PathSteps.TCP_WORD, R1)
                .load(Size.U16, R1, R2, transport + Frame.TCP_CHECKSUM)
                .store(Size.U32, R10, TRANSPORT_CHECKSUM, R1);
    }

    @Override
    public void checkTransport(int transport) {
        String known = code.freshLabel("checksum known");
        code.comment("is the checksum the pseudo header's sum alone?")
                .load(Size.U8, R2, R10, PathSteps.KEY + PathKey.PROTOCOL)
                .jump(Condition.NE, R2, Frame.UDP, known)
                .load(Size.U16, R1, R7, Slot.HEADER + transport + Frame.UDP_CHECKSUM)
                .store(Size.U32, R10, TRANSPORT_CHECKSUM, R1)
                .label(known)
                .toBigEndian(Size.U16, R2)
                .mov(R1, R8)
                .toBigEndian(Size.U16, R1)
                .alu(AluOp.ADD, R1, R2);
        for (int at = 0; at < PathKey.PORTS - PathKey.SOURCE; at += Integer.BYTES) {
            code.load(Size.U32, R2, R10, PathSteps.KEY + PathKey.SOURCE + at).alu(AluOp.ADD, R1, R2);
        }
        for (int fold = 0; fold < 4; fold++) {
            code.mov(R2, R1)
                    .alu(AluOp.RSH, R2, Short.SIZE)
                    .alu(AluOp.AND, R1, WORD_MASK)
                    .alu(AluOp.ADD, R1, R2);
        }
        code.load(Size.U32, R2, R10, TRANSPORT_CHECKSUM).jump(Condition.EQ, R1, R2, "up");
    }

    @Override
    public void checkPath() {
        code.load(Size.U16, R1, R8, PathValue.FLAGS)
                .load(Size.U32, R2, R10, NEEDED_FLAGS)
                .alu(AluOp.AND, R1, R2)
                .jump(Condition.NE, R1, R2, "up");
    }

    @Override
    public void loadTag(Register into) {
        code.load(Size.U32, into, R10, PathSteps.TAG);
    }

    @Override
    public void countSegments() {
        code.mov(R5, 1).jump(Condition.GT, R4, R2, "guarded");
    }
}
