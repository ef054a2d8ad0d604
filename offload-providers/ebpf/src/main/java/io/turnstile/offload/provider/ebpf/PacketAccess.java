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
import static io.turnstile.bpf.asm.Register.R9;

import io.turnstile.bpf.asm.AluOp;
import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Helper;
import io.turnstile.bpf.asm.Register;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;

/** Frames as the kernel's packets: tags stand beside them, and several segments may be joined to one. */
record PacketAccess(Assembler code) implements FrameAccess {
    /** From packet types of this on a frame is one that is sent here, or comes back (linux/if_packet.h). */
    private static final int PACKET_OUTGOING = 4;

    @Override
    public void ignoreOthers() {
        code.load(Size.U32, R1, R6, SkBuff.PKT_TYPE.offset()).jump(Condition.GE, R1, PACKET_OUTGOING, "show");
    }

    @Override
    public void begin() {
        code.load(Size.U32, R1, R6, SkBuff.PROTOCOL.offset());
    }

    @Override
    public void copyHeader(int bytes) {
        code.mov(R1, R6)
                .mov(R2, 0)
                .mov(R3, R7)
                .alu(AluOp.ADD, R3, Slot.HEADER)
                .mov(R4, bytes)
                .call(Helper.SKB_LOAD_BYTES)
                .jump(Condition.NE, R0, 0, "up");
    }

    @Override
    public void loadIfindex(Register into) {
        code.load(Size.U32, into, R6, SkBuff.IFINDEX.offset());
    }

    @Override
    public void loadLength(Register into) {
        code.load(Size.U32, into, R6, SkBuff.LEN.offset());
    }

    @Override
    public void copyTcpWord(int transport) {
        code.mov(R1, R6)
                .mov(R2, transport + Frame.TCP_OFFSET_AND_FLAGS)
                .mov(R3, R10)
                .alu(AluOp.ADD, R3, PathSteps.TCP_WORD)
                .mov(R4, Short.BYTES)
                .call(Helper.SKB_LOAD_BYTES)
                .jump(Condition.NE, R0, 0, "up");
    }

    /** Checksums go through helpers that know who completes them. */
    @Override
    public void checkTransport(int transport) {}

    @Override
    public void checkPath() {}

    @Override
    public void loadTag(Register into) {
        code.mov(into, 0)
                .load(Size.U32, R1, R6, SkBuff.VLAN_PRESENT.offset())
                .jump(Condition.EQ, R1, 0, "tag known")
                .load(Size.U32, R1, R6, SkBuff.VLAN_PROTO.offset())
                .jump(Condition.NE, R1, Wire.u16(Frame.ETHERTYPE_VLAN), "guarded")
                .load(Size.U32, into, R6, SkBuff.VLAN_TCI.offset())
                .alu(AluOp.OR, into, PathSteps.TAG_IS_PRESENT)
                .label("tag known")
                .store(Size.U32, R10, PathSteps.TAG, into);
    }

    @Override
    public void countSegments() {
        code.load(Size.U32, R3, R6, SkBuff.GSO_SIZE.offset())
                .mov(R5, 1)
                .jump(Condition.NE, R3, 0, "joined")
                .jump(Condition.GT, R4, R2, "guarded")
                .goTo("counted")
                .label("joined")
                .mov(R1, R3)
                .alu(AluOp.ADD, R1, R9)
                .jump(Condition.GT, R1, R2, "guarded")
                .load(Size.U32, R5, R6, SkBuff.GSO_SEGS.offset())
                .jump(Condition.NE, R5, 0, "counted")
                .comment("who sent it from user space left the counting to others")
                .mov(R5, R4)
                .alu(AluOp.SUB, R5, R9)
                .alu(AluOp.ADD, R5, R3)
                .alu(AluOp.SUB, R5, 1)
                .alu32(AluOp.DIV, R5, R3)
                .label("counted");
    }
}
